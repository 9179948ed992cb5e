import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { isCongested, sendInterim } from './interim-response.js';

const HTTP_1_1 = { httpVersionMajor: 1, httpVersionMinor: 1 };

function send(req: object, res: object, headers = ['A', '1', 'B', '2'], status = 104): void {
  sendInterim(
    req as IncomingMessage,
    { headersSent: false, destroyed: false, ...res } as unknown as ServerResponse,
    status,
    'Upload Resumption Supported',
    headers,
  );
}

describe('an interim response', () => {
  it('goes out by writeInformation where Node has it', () => {
    const calls: unknown[][] = [];
    const raw: unknown[] = [];
    send(HTTP_1_1, {
      writeInformation: (...call: unknown[]) => void calls.push(call),
      _writeRaw: (text: unknown) => void raw.push(text),
    });
    expect(calls).toEqual([[104, { A: '1', B: '2' }]]);
    expect(raw).toEqual([]);
  });

  it('has its reason phrase in the table that writeInformation reads', () => {
    const phrases: unknown[] = [];
    const res = { writeInformation: (status: number) => void phrases.push(STATUS_CODES[status]) };
    send(HTTP_1_1, res, ['A', '1'], 104);
    send(HTTP_1_1, res, ['A', '1'], 103);
    expect(phrases).toEqual(['Upload Resumption Supported', 'Early Hints']);
  });

  it('is written as Node writes its own where it has none', () => {
    const raw: unknown[] = [];
    send(HTTP_1_1, { _writeRaw: (text: unknown) => void raw.push(text) });
    expect(raw).toEqual(['HTTP/1.1 104 Upload Resumption Supported\r\nA: 1\r\nB: 2\r\n\r\n']);
  });

  it('is a block of headers in HTTP/2', () => {
    const blocks: unknown[] = [];
    const stream = { destroyed: false, additionalHeaders: (block: unknown) => void blocks.push(block) };
    send({ httpVersionMajor: 2, httpVersionMinor: 0 }, { stream });
    expect(blocks).toEqual([{ ':status': 104, A: '1', B: '2' }]);
  });

  it.each([
    ['to HTTP/1.0', { httpVersionMajor: 1, httpVersionMinor: 0 }, {}],
    ['after the final response', HTTP_1_1, { headersSent: true }],
    ['after the end', HTTP_1_1, { writableEnded: true }],
    ['to a client that is gone', HTTP_1_1, { destroyed: true }],
  ])('does not go out %s', (_, req, res) => {
    const raw: unknown[] = [];
    send(req, { ...res, _writeRaw: (text: unknown) => void raw.push(text) });
    expect(raw).toEqual([]);
  });

  it('does not go out where nothing can send it', () => {
    expect(() => send(HTTP_1_1, {})).not.toThrow();
  });

  it('cannot be split by a value', () => {
    expect(() => send(HTTP_1_1, { _writeRaw: () => true }, ['Location', '/a\r\nEvil: 1'])).toThrow(
      /Invalid character/,
    );
  });
});

describe('a client that does not read', () => {
  it.each([
    [0, false],
    [1, true],
  ])('with %d bytes that wait is congested: %s', (writableLength, expected) => {
    expect(isCongested({ socket: { writableLength } } as unknown as ServerResponse)).toBe(expected);
  });

  it('is not one whose connection is gone', () => {
    expect(isCongested({ socket: null } as unknown as ServerResponse)).toBe(false);
  });
});
