import { HttpError, type HookResult } from '@nestjs-tus/core';
import { within } from '../harness/eventually.js';
import { hooked } from '../harness/hooked-server.js';
import { rawExchange } from '../harness/raw-socket.js';
import {
  create,
  createUpload,
  download,
  head,
  OFFSET_STREAM,
  patch,
  terminate,
} from '../harness/tus-requests.js';
import { base64 } from '../harness/wire-values.js';

/** What a hook in JavaScript may answer, whatever the types say. */
const odd = (answer: unknown) => answer as HookResult;
const answered = <T>(reply: Promise<T>) => within('an answer', reply, 5_000);

const thrower = (): never => {
  throw new Error('a getter that throws');
};
const circular: Record<string, unknown> = {};
circular['self'] = circular;

const UNSENDABLE: [string, unknown][] = [
  ['a header value beyond Latin-1', { response: { header: { 'X-File-Name': 'отчёт.pdf' } } }],
  ['a header value with a line break', { response: { header: { 'X-A': 'a\r\nSet-Cookie: x=1' } } }],
  ['a header name with a space', { response: { header: { 'X A': '1' } } }],
  ['an empty header name', { response: { header: { '': '1' } } }],
  ['a pseudo header', { response: { header: { ':status': '200' } } }],
  ['a header that is a list', { response: { header: { 'X-A': ['a', 'b'] } } }],
  ['a header that no client takes', { response: { header: { 'X-A': 'x'.repeat(5_000) } } }],
  ['headers as text', { response: { header: 'X-A: 1' } }],
  ['headers as a Map', { response: { header: new Map([['X-A', '1']]) } }],
  ['status 99', { response: { statusCode: 99 } }],
  ['status 100', { response: { statusCode: 100 } }],
  ['status 600', { response: { statusCode: 600 } }],
  ['status 204.5', { response: { statusCode: 204.5 } }],
  ['a status that is text', { response: { statusCode: '201' } }],
  ['a status that is NaN', { response: { statusCode: Number.NaN } }],
  ['a body that is an object', { response: { body: { id: 7 } } }],
  ['a body that is a Buffer', { response: { body: Buffer.from('x') } }],
  ['a key of the response that is unknown', { response: { status: 403 } }],
  ['an unknown key', { respnse: { header: {} } }],
  ['a number', 5],
  ['a text', 'ok'],
  ['a list', []],
  ['a getter that throws', Object.defineProperty({}, 'response', { get: thrower, enumerable: true })],
  ['a Proxy that throws', new Proxy({}, { ownKeys: thrower })],
];

const CHANGES: [string, unknown][] = [
  ['a metadata key that is not ASCII', { metaData: { имя: 'x' } }],
  ['a metadata key with a space', { metaData: { 'a b': 'x' } }],
  ['a metadata key with a comma', { metaData: { 'a,b': 'x' } }],
  ['an empty metadata key', { metaData: { '': 'x' } }],
  ['a metadata key with a line break', { metaData: { 'a\n': 'x' } }],
  ['a metadata value that is a number', { metaData: { size: 5 } }],
  ['metadata that is a list', { metaData: ['a'] }],
  ['an id that is a number', { id: 42 }],
  ['an id that is null', { id: null }],
  ['a storage that is not text', { storage: { path: 5 } }],
  ['a storage that is text', { storage: '/srv/x' }],
  ['a maxSize that is NaN', { maxSize: Number.NaN }],
  ['a negative maxSize', { maxSize: -1 }],
  ['a maxSize that is text', { maxSize: '100' }],
  ['an invalid date', { expiresAt: new Date('nonsense') }],
  ['a date as text', { expiresAt: '2030-01-01' }],
  ['a date as a number', { expiresAt: 1_900_000_000_000 }],
  ['a context that is a function', { context: () => 1 }],
  ['a context with a BigInt', { context: { n: 1n } }],
  ['a context that holds itself', { context: circular }],
  ['a context with a Date', { context: { at: new Date() } }],
  ['a context with NaN', { context: [Number.NaN] }],
  ['an unknown key', { metadata: { a: 'b' } }],
  ['a text', 'id=5'],
];

describe('what preUploadCreate returns', () => {
  it.each([...UNSENDABLE, ...CHANGES.map(([name, changes]) => [name, { changes }] as [string, unknown])])(
    'is refused before anything exists: %s',
    async (_name, answer) => {
      const { server } = await hooked({ create: () => odd(answer) });
      const reply = await answered(create(server.url, { 'Upload-Length': '5' }));
      expect([reply.status, reply.text]).toEqual([
        500,
        'ERR_INTERNAL_SERVER_ERROR: something went wrong on the server\n',
      ]);
      expect(reply.headers['tus-resumable']).toBe('1.0.0');
      expect(server.complaints).toEqual([expect.stringContaining('preUploadCreate')]);
      expect([await server.uploads(), server.events]).toEqual([[], []]);
    },
  );

  it('may be nothing, or nothing in all its parts', async () => {
    const answers: unknown[] = [
      null,
      {},
      { changes: undefined, response: {} },
      { changes: { id: undefined } },
    ];
    const { server } = await hooked({ create: () => odd(answers.shift()) });
    while (answers.length > 0) await createUpload(server.url, 5);
    expect(server.complaints).toEqual([]);
  });

  it('is copied: what the hook does to it afterwards changes nothing', async () => {
    const metaData: Record<string, string> = { owner: 'ada' };
    const { server } = await hooked({ create: () => ({ changes: { metaData } }) });
    const url = await createUpload(server.url, 5);
    metaData['owner'] = 'bob';
    expect((await head(url)).headers['upload-metadata']).toBe(`owner ${base64('ada')}`);
  });

  it('may have any Unicode in metadata values', async () => {
    const { server } = await hooked({
      create: () => ({ changes: { metaData: { name: '报告 😀 \ud800\n' } } }),
    });
    const url = await createUpload(server.url, 5);
    expect((await head(url)).headers['upload-metadata']).toBe(`name ${base64('报告 😀 \ufffd\n')}`);
  });

  it('may leave members of the context undefined, as JSON does', async () => {
    const { server } = await hooked({
      create: () => odd({ changes: { context: { owner: undefined, tenant: { id: 7 } } } }),
    });
    await createUpload(server.url, 5);
    expect((await server.uploads())[0]?.context).toEqual({ tenant: { id: 7 } });
  });
});

describe('what preFinishResponse returns', () => {
  it.each(UNSENDABLE)('is a 500, and the upload waits for a better answer: %s', async (_name, answer) => {
    const { server, hooks } = await hooked({ finish: () => odd(answer) });
    const url = await createUpload(server.url, 5);
    expect((await answered(patch(url, 0, 'hello'))).status).toBe(500);
    expect((await answered(head(url))).status).toBe(423);
    hooks.finish = () => ({ response: { header: { 'X-Result': '42' } } });
    const reply = await answered(patch(url, 5, ''));
    expect([reply.status, reply.headers['x-result']]).toEqual([204, '42']);
    expect((await download(url)).text).toBe('hello');
  });
});

describe('what preUploadTerminate returns', () => {
  it.each(UNSENDABLE)('is a 500, and the upload stays: %s', async (_name, answer) => {
    const { server } = await hooked({ terminate: () => odd(answer) });
    const url = await createUpload(server.url, 5);
    expect((await answered(terminate(url))).status).toBe(500);
    expect((await head(url)).status).toBe(200);
  });
});

describe('framing and protocol fields of a hook', () => {
  const FIELDS = {
    'Content-Length': '3',
    'transfer-encoding': 'chunked',
    Connection: 'close',
    'Keep-Alive': 'timeout=1',
    TE: 'trailers',
    Trailer: 'X-A',
    UPGRADE: 'websocket',
    'tus-resumable': '9.9.9',
    'Upload-Offset': '999',
    'Upload-Complete': '?1',
    location: 'https://elsewhere.example/',
  };

  it('are ignored with a warning, in any case; the others go out', async () => {
    const { server } = await hooked({
      create: () => ({ response: { header: { ...FIELDS, 'X-Mine': 'yes' } } }),
      finish: () => ({ response: { header: { ...FIELDS, 'X-Mine': 'yes' } } }),
    });
    const { response: created } = await rawExchange(server.port, 'POST', '/files/', {
      'Tus-Resumable': '1.0.0',
      'Upload-Length': '5',
      'Content-Length': '0',
    });
    expect(created.status).toBe(201);
    expect(created.header('x-mine')).toBe('yes');
    expect(created.header('content-length')).toBe('0');
    expect(created.header('tus-resumable')).toBe('1.0.0');
    expect(created.header('location')).toMatch(/\/files\/[0-9a-f]{32}$/);
    expect(created.header('upload-offset')).toBeUndefined();
    const url = created.header('location') ?? '';
    const reply = await answered(patch(url, 0, 'hello'));
    expect([reply.status, reply.headers['upload-offset'], reply.headers['x-mine']]).toEqual([
      204,
      '5',
      'yes',
    ]);
    expect(server.complaints.join('\n')).toMatch(/preUploadCreate.*Content-Length/);
  });

  it('are ignored in a refusal, too; its Location and Retry-After go out', async () => {
    const header = { ...FIELDS, 'Retry-After': '7' };
    const { server } = await hooked({
      create: () => {
        throw new HttpError({ code: 'ERR_MOVED', status: 307, message: 'elsewhere' }, { header });
      },
    });
    const reply = await answered(create(server.url, { 'Upload-Length': '5' }));
    expect(reply).toMatchObject({ status: 307, text: 'ERR_MOVED: elsewhere\n' });
    expect(reply.headers).toMatchObject({
      'tus-resumable': '1.0.0',
      location: 'https://elsewhere.example/',
      'retry-after': '7',
      'content-length': String('ERR_MOVED: elsewhere\n'.length),
    });
    expect(reply.headers).not.toHaveProperty('upload-offset');
    expect(reply.headers).not.toHaveProperty('keep-alive', 'timeout=1');
  });
});

describe('header names in another spelling', () => {
  it.each(['content-type', 'CONTENT-TYPE', 'Content-type'])(
    "a refusal's %s is the only one",
    async (name) => {
      const { server } = await hooked({
        create: () => {
          throw new HttpError(
            { code: 'ERR_NO', status: 422, message: 'no' },
            { header: { [name]: 'application/json' }, body: '{}' },
          );
        },
      });
      const { response } = await rawExchange(server.port, 'POST', '/files/', {
        'Tus-Resumable': '1.0.0',
        'Upload-Length': '5',
        'Content-Length': '0',
      });
      expect(response.body.toString()).toBe('{}');
      expect(response.all('content-type')).toEqual(['application/json']);
    },
  );

  it('of one hook, of two hooks, and of the protocol are one field', async () => {
    const { server } = await hooked({
      create: () => ({
        response: { header: { 'X-A': '1', 'x-a': '2', 'x-content-TYPE-options': 'nosniff' } },
      }),
      finish: () => ({ response: { header: { 'X-a': '3', vary: 'Accept' } } }),
    });
    const { response } = await rawExchange(
      server.port,
      'POST',
      '/files/',
      {
        'Tus-Resumable': '1.0.0',
        'Upload-Length': '5',
        'Content-Length': '5',
        'Content-Type': OFFSET_STREAM,
        Origin: 'https://app.example',
      },
      'hello',
    );
    expect(response.status).toBe(201);
    expect(response.all('x-a')).toEqual(['3']);
    expect(response.all('x-content-type-options')).toEqual(['nosniff']);
    expect(response.all('vary')).toEqual(['Accept, Origin']);
  });
});
