import { jest } from '@jest/globals';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MemoryLocker, MemoryStore, StoreComposer, TusHandler, type RequestListener } from '@nestjs-tus/core';
import { RawSocket } from '../harness/raw-socket.js';

type Method =
  'handle' | 'postFile' | 'postFileV2' | 'headFile' | 'patchFile' | 'getFile' | 'delFile' | 'middleware';

const fail = (): never => {
  throw new Error('rigged');
};

/** What something between Node and the engine may have done to a response. */
const RIGGED: [string, (res: ServerResponse, req: IncomingMessage) => void][] = [
  ['writeHead throws', (res) => Object.assign(res, { writeHead: fail })],
  ['end throws', (res) => Object.assign(res, { end: fail })],
  [
    'setHeader throws, and writeHead is patched',
    (res) => Object.assign(res, { setHeader: fail, writeHead: fail }),
  ],
  ['getHeaderNames throws', (res) => Object.assign(res, { getHeaderNames: fail })],
  ['destroy throws, too', (res) => Object.assign(res, { writeHead: fail, destroy: fail })],
  ['the head is out', (res) => res.writeHead(200, { 'Content-Length': '100' }).write('x')],
];

const REQUESTS: [Method, string, string, Record<string, string>][] = [
  ['handle', 'POST', '/files/', { 'Upload-Length': '5' }],
  ['handle', 'POST', '/elsewhere', {}],
  ['handle', 'OPTIONS', '/files/', {}],
  ['postFile', 'POST', '/files/', { 'Upload-Length': '5' }],
  ['postFileV2', 'POST', '/files/', { 'Upload-Length': '-1' }],
  ['headFile', 'HEAD', '/files/<id>', {}],
  ['headFile', 'GET', '/files/<id>', {}],
  [
    'patchFile',
    'PATCH',
    '/files/<id>',
    { 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' },
  ],
  ['getFile', 'GET', '/files/<id>', {}],
  ['delFile', 'DELETE', '/files/<id>', {}],
  ['middleware', 'OPTIONS', '/files/', {}],
  ['middleware', 'PATCH', '/files/', {}],
];

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

async function engine() {
  const logged: string[] = [];
  const error = (...words: unknown[]) => void logged.push(words.map(String).join(' '));
  const handler = new TusHandler({
    storeComposer: StoreComposer.of(new MemoryStore(), new MemoryLocker()),
    logger: { error, warn: () => undefined, log: () => undefined },
  });
  await handler.init();
  return { handler, logged };
}

/** What became of the promise that a listener has given. */
async function served(listener: RequestListener, rig: (res: ServerResponse, req: IncomingMessage) => void) {
  const ends: Promise<string>[] = [];
  const server = createServer((req, res) => {
    rig(res, req);
    ends.push(
      listener(req, res).then(
        () => 'resolved',
        (error: unknown) => `rejected: ${String(error)}`,
      ),
    );
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, ends };
}

describe.each(RIGGED)('a response of which %s', (_name, rig) => {
  it.each(REQUESTS)(
    '%s: %s %s closes the connection, is logged once, and never rejects',
    async (method, verb, target, headers) => {
      const { handler, logged } = await engine();
      const listener = method === 'middleware' ? handler.middleware(fail) : handler[method];
      const made = await handler.config.storeComposer.core?.newUpload(
        { ...NEW, id: '0123456789abcdef0123456789abcdef' },
        {},
      );
      expect(made).toBeDefined();
      const { port, ends } = await served(listener, rig);
      const socket = await RawSocket.connect(port);
      const path = target.replace('<id>', '0123456789abcdef0123456789abcdef');
      await socket.sendHead(verb, path, { 'Tus-Resumable': '1.0.0', 'Content-Length': '0', ...headers });
      await socket.closed();
      expect(await Promise.all(ends)).toEqual(['resolved']);
      expect(logged.filter((line) => /could not be answered|answer had begun/.test(line))).toHaveLength(1);
      expect(logged).toHaveLength(1);
    },
  );
});

describe('a request whose next of middleware', () => {
  it.each<[string, (req: IncomingMessage, res: ServerResponse) => unknown, RegExp, number]>([
    ['throws is a 500', fail, /^HTTP\/1\.1 500 /, 1],
    ['rejects is a 500', () => Promise.reject(new Error('rigged')), /^HTTP\/1\.1 500 /, 1],
    [
      'rejects when it has begun an answer is cut',
      (_req, res) => {
        res.writeHead(200, { 'Content-Length': '100' }).write('begun');
        return Promise.reject(new Error('rigged'));
      },
      /^(?:HTTP.*begun)?$/s,
      1,
    ],
    [
      'rejects when it has answered keeps its answer',
      (_req, res) => {
        res.writeHead(200, { 'Content-Length': '4', Connection: 'close' }).end('mine');
        return Promise.reject(new Error('rigged'));
      },
      /mine$/,
      1,
    ],
  ])('%s', async (_name, next, answer, complaints) => {
    const { handler, logged } = await engine();
    const { port, ends } = await served(handler.middleware(next), () => undefined);
    const socket = await RawSocket.connect(port);
    await socket.sendHead('POST', '/files/', {
      'Tus-Resumable': '1.0.0',
      'Upload-Length': '5',
      'Content-Length': '0',
      Connection: 'close',
    });
    await socket.closed();
    expect(socket.unread.toString()).toMatch(answer);
    expect(await Promise.all(ends)).toEqual(['resolved']);
    expect(logged).toHaveLength(complaints);
    expect(logged.join()).toContain('rigged');
  });
});

describe('what else may throw', () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('in a logger or a listener, at once or later, hurts no upload', async () => {
    const said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
    const reject: () => unknown = () => Promise.reject(new Error('rigged'));
    for (const odd of [fail, reject]) {
      const handler = new TusHandler({
        storeComposer: StoreComposer.of(new MemoryStore(), new MemoryLocker()),
        logger: { error: odd, warn: odd, log: odd, debug: odd },
        uploadProgressInterval: 1,
      });
      await handler.init();
      for (const name of ['created', 'progress', 'completed', 'terminated'] as const)
        handler.events.on(name, odd);
      const { port, ends } = await served(handler.handle, () => undefined);
      const socket = await RawSocket.connect(port);
      await socket.sendHead('POST', '/files/', {
        'Tus-Resumable': '1.0.0',
        'Upload-Length': '5',
        'Content-Length': '5',
        'Content-Type': 'application/offset+octet-stream',
        Connection: 'close',
      });
      await socket.send('hello');
      expect((await socket.response('POST')).status).toBe(201);
      await settled();
      expect(await Promise.all(ends)).toEqual(['resolved']);
    }
    expect(said.mock.calls.join('\n')).toMatch(/the logger failed \(.*rigged/);
    said.mockRestore();
  });

  it('in a bridge to other processes hurts no upload', async () => {
    const { handler, logged } = await engine();
    handler.events.joinWith({ wants: fail, send: fail, listening: () => undefined });
    handler.events.on('created', () => undefined);
    const { port } = await served(handler.handle, () => undefined);
    const socket = await RawSocket.connect(port);
    await socket.sendHead('POST', '/files/', {
      'Tus-Resumable': '1.0.0',
      'Upload-Length': '5',
      'Content-Length': '0',
    });
    expect((await socket.response('POST')).status).toBe(201);
    expect(logged.join()).toContain('rigged');
  });
});

const NEW = {
  size: 5,
  sizeIsDeferred: false,
  offset: 0,
  metaData: {},
  isPartial: false,
  isFinal: false,
  partialUploads: [],
};
