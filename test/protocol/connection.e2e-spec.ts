import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { eventually } from '../harness/eventually.js';
import { RawSocket } from '../harness/raw-socket.js';
import { startServer } from '../harness/server-process.js';
import {
  createUpload,
  download,
  offsetOf,
  OFFSET_STREAM,
  patch,
  storeUpload,
} from '../harness/tus-requests.js';

/** What is said of connections holds for the engine alone, and for the server with a framework around it. */
const PLACES = [
  ['the engine', () => startInProcess({ maxSize: 100_000_000 })],
  ['the server', () => startServer({ flags: ['--max-size', '100000000'] })],
] as const;

let server: { readonly url: string; readonly port: number };

const PATCH_FIELDS = { 'Tus-Resumable': '1.0.0', 'Content-Type': OFFSET_STREAM };
const HUGE = 50_000_000;

/** Refusals that need no byte of the body. */
const REFUSALS: [string, number, (url: string) => [string, string, Record<string, string>]][] = [
  ['a wrong offset', 409, (url) => ['PATCH', url, { ...PATCH_FIELDS, 'Upload-Offset': '3' }]],
  [
    'a wrong version',
    412,
    (url) => ['PATCH', url, { ...PATCH_FIELDS, 'Upload-Offset': '0', 'Tus-Resumable': '0.2.2' }],
  ],
  [
    'a wrong type',
    400,
    (url) => ['PATCH', url, { ...PATCH_FIELDS, 'Upload-Offset': '0', 'Content-Type': 'text/plain' }],
  ],
  [
    'an unknown upload',
    404,
    () => ['PATCH', '/files/0123456789abcdef0123456789abcdef', { ...PATCH_FIELDS, 'Upload-Offset': '0' }],
  ],
  ['a wrong method', 405, (url) => ['PUT', url, PATCH_FIELDS]],
  ['too large a creation', 413, () => ['POST', '/files/', { ...PATCH_FIELDS, 'Upload-Length': '100000001' }]],
];

async function newPath(): Promise<string> {
  return new URL(await createUpload(server.url, HUGE)).pathname;
}

describe.each(PLACES)('%s', (_where, start) => {
  beforeAll(async () => {
    server = await start();
  });

  describe('a refused request', () => {
    it.each(REFUSALS)(
      '%s, with a small body: %d, and the connection goes on',
      async (_, status, requestOf) => {
        const [method, path, fields] = requestOf(await newPath());
        const socket = await RawSocket.connect(server.port);
        await socket.sendHead(method, path, { ...fields, 'Content-Length': '1000' });
        await socket.send('x'.repeat(1_000));
        expect((await socket.response()).status).toBe(status);
        await socket.sendHead('OPTIONS', '/files/', {});
        expect((await socket.response()).status).toBe(200);
        expect(socket.fate).toBe('open');
      },
    );

    it.each(REFUSALS)(
      '%s, with a huge body: %d can be read, and the connection ends',
      async (_, status, requestOf) => {
        const [method, path, fields] = requestOf(await newPath());
        const socket = await RawSocket.connect(server.port);
        await socket.sendHead(method, path, { ...fields, 'Content-Length': String(HUGE) });
        await socket.send(Buffer.alloc(300_000));
        const response = await socket.response();
        expect(response.status).toBe(status);
        expect(response.header('connection')).toBe('close');
        const before = socket.socket.bytesWritten;
        const sending = sendUntilClosed(socket);
        await socket.closed();
        await sending;
        expect(socket.socket.bytesWritten - before).toBeLessThan(HUGE);
      },
    );

    it('with a body of some size, whose client sends all of it first, is answered without a reset', async () => {
      const socket = await RawSocket.connect(server.port);
      const fields = { ...PATCH_FIELDS, 'Upload-Offset': '3', 'Content-Length': '500000' };
      await socket.sendHead('PATCH', await newPath(), fields);
      await socket.send(Buffer.alloc(100_000));
      expect((await socket.response()).status).toBe(409);
      for (let sent = 0; sent < 40; sent++) await socket.send(Buffer.alloc(10_000));
      expect(await socket.closed()).toBe('ended');
      expect(socket.error).toBeUndefined();
    });

    it.each(REFUSALS)('%s, while the client waits for 100: %d instead', async (_, status, requestOf) => {
      const [method, path, fields] = requestOf(await newPath());
      const socket = await RawSocket.connect(server.port);
      await socket.sendHead(method, path, { ...fields, 'Content-Length': '1000', Expect: '100-continue' });
      const response = await socket.response();
      expect([response.status, response.informational]).toEqual([status, []]);
    });

    it('with a chunked body that never ends is answered, and the connection ends', async () => {
      const socket = await RawSocket.connect(server.port);
      await socket.sendHead('PATCH', await newPath(), {
        ...PATCH_FIELDS,
        'Upload-Offset': '3',
        'Transfer-Encoding': 'chunked',
      });
      expect((await socket.response()).status).toBe(409);
      await socket.closed();
    });
  });

  describe('Expect: 100-continue', () => {
    it('is answered with 100 once the request is accepted', async () => {
      const url = await createUpload(server.url, 5);
      const socket = await RawSocket.connect(server.port);
      await socket.sendHead('PATCH', new URL(url).pathname, {
        ...PATCH_FIELDS,
        'Upload-Offset': '0',
        'Content-Length': '5',
        Expect: '100-continue',
      });
      expect((await socket.message()).status).toBe(100);
      await socket.send('hello');
      expect((await socket.response()).status).toBe(204);
      expect((await download(url)).text).toBe('hello');
    });

    it('is answered once, also when the client does not wait', async () => {
      const url = await createUpload(server.url, 5);
      const socket = await RawSocket.connect(server.port);
      const fields = { ...PATCH_FIELDS, 'Upload-Offset': '0', 'Content-Length': '5', Expect: '100-continue' };
      await socket.sendHead('PATCH', new URL(url).pathname, fields);
      await socket.send('hello');
      const response = await socket.response();
      expect(response.status).toBe(204);
      expect(response.informational.length).toBeLessThanOrEqual(1);
    });
  });

  describe('a connection', () => {
    it('carries one request after the other', async () => {
      const url = await createUpload(server.url, 10);
      const path = new URL(url).pathname;
      const socket = await RawSocket.connect(server.port);
      for (const [offset, part] of [
        [0, 'hello'],
        [5, 'world'],
      ] as const) {
        await socket.sendHead('PATCH', path, {
          ...PATCH_FIELDS,
          'Upload-Offset': String(offset),
          'Content-Length': '5',
        });
        await socket.send(part);
        expect((await socket.response()).status).toBe(204);
      }
      expect(socket.fate).toBe('open');
    });

    it('carries requests that were sent ahead of the answers', async () => {
      const url = await storeUpload(server.url, 'pipelined');
      const path = new URL(url).pathname;
      const socket = await RawSocket.connect(server.port);
      for (let sent = 0; sent < 3; sent++) await socket.sendHead('HEAD', path, { 'Tus-Resumable': '1.0.0' });
      for (let read = 0; read < 3; read++) {
        expect((await socket.response('HEAD')).header('upload-offset')).toBe('9');
      }
    });

    it('whose client has sent everything and closed its side is still answered', async () => {
      const url = await createUpload(server.url, 5);
      const socket = await RawSocket.connect(server.port);
      const fields = { ...PATCH_FIELDS, 'Upload-Offset': '0', 'Content-Length': '5', Connection: 'close' };
      await socket.sendHead('PATCH', new URL(url).pathname, fields);
      await socket.send('hello');
      expect((await socket.response()).status).toBe(204);
    });
  });
});

describe('a new request for an upload that is being received', () => {
  let engine: InProcessServer;
  beforeAll(async () => {
    engine = await startInProcess();
  });

  async function receiving(length: number): Promise<{ url: string; socket: RawSocket }> {
    const url = await createUpload(engine.url, length);
    const socket = await RawSocket.connect(engine.port);
    await socket.sendHead('PATCH', new URL(url).pathname, {
      ...PATCH_FIELDS,
      'Upload-Offset': '0',
      'Content-Length': String(length),
    });
    await socket.send('hello');
    await eventually('arrival of the first bytes', () => engine.progress(url) === 5);
    return { url, socket };
  }

  it('HEAD: makes the running one let go, and reports what it kept', async () => {
    const { url, socket } = await receiving(10);
    expect(await offsetOf(url)).toBe(5);
    const response = await socket.response();
    expect(response.status).toBe(400);
    expect(response.body.toString()).toMatch(/^ERR_UPLOAD_INTERRUPTED: /);
  });

  it('PATCH: goes on where the running one was stopped', async () => {
    const { url, socket } = await receiving(10);
    expect((await patch(url, 5, 'world')).status).toBe(204);
    expect((await socket.response()).status).toBe(400);
    expect((await download(url)).text).toBe('helloworld');
  });

  it('what the stopped one still sends is not stored', async () => {
    const { url, socket } = await receiving(10);
    expect(await offsetOf(url)).toBe(5);
    await socket.send('XXXXX');
    expect((await patch(url, 5, 'world')).status).toBe(204);
    expect((await download(url)).text).toBe('helloworld');
  });

  it('one that must fail anyway interrupts nobody', async () => {
    const { url, socket } = await receiving(10);
    expect((await patch(url, 0, 'hello', { 'Content-Type': 'text/plain' })).status).toBe(400);
    expect((await patch(url, 0, 'hello', { 'Tus-Resumable': '0.2.2' })).status).toBe(412);
    await socket.send('world');
    expect((await socket.response()).status).toBe(204);
    expect((await download(url)).text).toBe('helloworld');
  });

  it('many at once: each is answered, and the upload stays whole', async () => {
    const { url } = await receiving(10);
    const offsets = await Promise.all(Array.from({ length: 20 }, () => offsetOf(url)));
    expect(new Set(offsets)).toEqual(new Set([5]));
    expect((await patch(url, 5, 'world')).status).toBe(204);
    expect((await download(url)).text).toBe('helloworld');
  });
});

/** Goes on sending as a client does that has not read the answer yet. */
async function sendUntilClosed(socket: RawSocket): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024);
  while (socket.fate === 'open' && socket.socket.writable) await socket.send(chunk);
}
