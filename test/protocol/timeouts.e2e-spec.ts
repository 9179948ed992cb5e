import { setTimeout as pause } from 'node:timers/promises';
import { MemoryLocker } from '@nestjs-tus/core';
import { eventually } from '../harness/eventually.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { RawSocket } from '../harness/raw-socket.js';
import {
  create,
  createUpload,
  download,
  head,
  offsetOf,
  OFFSET_STREAM,
  patch,
  terminate,
} from '../harness/tus-requests.js';

const patchFields = (length: number) => ({
  'Tus-Resumable': '1.0.0',
  'Content-Type': OFFSET_STREAM,
  'Upload-Offset': '0',
  'Content-Length': String(length),
});

describe('networkTimeout', () => {
  let server: InProcessServer;
  beforeAll(async () => {
    server = await startInProcess({ networkTimeout: 300 });
  });

  it('P6: a client that falls silent is cut, and what it sent is kept', async () => {
    const url = await createUpload(server.url, 10);
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead('PATCH', new URL(url).pathname, patchFields(10));
    await socket.send('hello');
    await socket.closed();
    expect(await offsetOf(url)).toBe(5);
    expect((await patch(url, 5, 'world')).status).toBe(204);
    expect((await download(url)).text).toBe('helloworld');
  });

  it('P6: a client that never sends a byte of its body is cut', async () => {
    const url = await createUpload(server.url, 10);
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead('PATCH', new URL(url).pathname, patchFields(10));
    await socket.closed();
    expect(await offsetOf(url)).toBe(0);
  });

  it('a slow client that goes on sending is not cut, however long it takes', async () => {
    const patient = await startInProcess({ networkTimeout: 1_000 });
    const content = 'x'.repeat(15);
    const url = await createUpload(patient.url, content.length);
    const socket = await RawSocket.connect(patient.port);
    await socket.sendHead('PATCH', new URL(url).pathname, patchFields(content.length));
    for (const byte of content) {
      await pause(100);
      await socket.send(byte);
    }
    expect((await socket.response()).status).toBe(204);
  });
});

describe('acquireLockTimeout', () => {
  it.each([
    ['HEAD', head],
    ['PATCH', (url: string) => patch(url, 0, 'hello')],
    ['DELETE', terminate],
  ])('%s is 423 with Retry-After when the holder does not let go', async (_, ask) => {
    const locker = new MemoryLocker();
    const server = await startInProcess({ locker, acquireLockTimeout: 50 });
    const url = await createUpload(server.url, 5);
    const lock = locker.newLock(url.split('/').at(-1) ?? '');
    let asked = 0;
    await lock.lock(new AbortController().signal, () => asked++);
    const reply = await ask(url);
    expect(reply.status).toBe(423);
    expect(reply.headers['retry-after']).toMatch(/^\d+$/);
    expect(reply.headers['tus-resumable']).toBe('1.0.0');
    expect(asked).toBeGreaterThan(0);
    await lock.unlock();
    expect(await offsetOf(url)).toBe(0);
  });

  it('a creation and a download wait for no lock', async () => {
    const locker = new MemoryLocker();
    const server = await startInProcess({ locker, acquireLockTimeout: 60_000 });
    const reply = await create(server.url, { 'Upload-Length': '5', 'Content-Type': OFFSET_STREAM }, 'hello');
    const url = new URL(reply.headers.location ?? '', server.url).href;
    const lock = locker.newLock(url.split('/').at(-1) ?? '');
    await lock.lock(new AbortController().signal, () => undefined);
    expect((await download(url)).text).toBe('hello');
    expect((await create(server.url, { 'Upload-Length': '5' })).status).toBe(201);
    await lock.unlock();
  });
});

describe('shutdown', () => {
  it('stops running requests, keeps what they brought, and answers 503', async () => {
    const server = await startInProcess();
    const url = await createUpload(server.url, 10);
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead('PATCH', new URL(url).pathname, patchFields(10));
    await socket.send('hello');
    await eventually('arrival of the first bytes', () => server.progress(url) === 5);
    const ended = server.handler.shutdown();
    const response = await socket.response();
    await ended;
    expect(response.status).toBe(503);
    expect(response.body.toString()).toMatch(/^ERR_SERVER_SHUTDOWN: /);
    expect(response.header('retry-after')).toMatch(/^\d+$/);
    const [info] = await server.uploads();
    expect(info?.offset).toBe(5);
  });

  it('later requests: PATCH and POST are 503, HEAD is 423, all with Retry-After', async () => {
    const server = await startInProcess();
    const url = await createUpload(server.url, 10);
    await server.handler.shutdown();
    for (const [status, ask] of [
      [503, () => patch(url, 0, 'hello')],
      [503, () => create(server.url, { 'Upload-Length': '5' })],
      [423, () => head(url)],
    ] as const) {
      const reply = await ask();
      expect(reply.status).toBe(status);
      expect(reply.headers['retry-after']).toMatch(/^\d+$/);
    }
  });
});
