import { MemoryLocker, MemoryStore, StoreComposer } from '@nestjs-tus/core';
import { eventually } from '../harness/eventually.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { RawSocket } from '../harness/raw-socket.js';
import {
  createUpload,
  download,
  extensionsOf,
  head,
  OFFSET_STREAM,
  patch,
  storeUpload,
  terminate,
} from '../harness/tus-requests.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess();
});

const GONE = [404, 410];

describe('termination', () => {
  it('TE1: is announced', async () => {
    expect(await extensionsOf(server.url)).toContain('termination');
  });

  it.each([
    ['is off', { disableTermination: true }],
    [
      'is nothing that the store can do',
      { storeComposer: new StoreComposer().useCore(new MemoryStore()).useLocker(new MemoryLocker()) },
    ],
  ])('TE1: is 405 where it %s, and the upload stays', async (_, config) => {
    const without = await startInProcess(config);
    const url = await createUpload(without.url, 5);
    const reply = await terminate(url);
    expect(reply.status).toBe(405);
    expect(reply.headers.allow).toMatch(/PATCH/);
    expect(reply.headers.allow).not.toMatch(/DELETE/);
    expect((await head(url)).status).toBe(200);
  });

  it.each([
    ['a new', () => createUpload(server.url, 5)],
    ['an empty', () => createUpload(server.url, 0)],
    ['a finished', () => storeUpload(server.url, 'hello')],
    ['a deferred', () => createUpload(server.url, 'deferred')],
    ['a partial', () => createUpload(server.url, 5, { 'Upload-Concat': 'partial' })],
  ])('TE2: %s upload is removed with 204', async (_, urlOf) => {
    const url = await urlOf();
    const reply = await terminate(url);
    expect([reply.status, reply.text]).toEqual([204, '']);
  });

  it('TE3: nothing is left of it', async () => {
    const before = (await server.uploads()).length;
    const url = await storeUpload(server.url, 'hello');
    await terminate(url);
    for (const ask of [head, download, terminate, (gone: string) => patch(gone, 5, '')]) {
      const reply = await ask(url);
      expect(GONE).toContain(reply.status);
      expect(reply.headers).not.toHaveProperty('upload-offset');
    }
    expect(await server.uploads()).toHaveLength(before);
  });

  it('reports it once', async () => {
    const url = await createUpload(server.url, 5);
    await terminate(url);
    await terminate(url);
    const terminated = server.events.filter(
      ({ name, event }) => name === 'terminated' && url.endsWith(event.upload.id),
    );
    expect(terminated).toHaveLength(1);
  });

  it('TE4: stops a running PATCH, and the upload stays dead', async () => {
    const url = await createUpload(server.url, 10);
    const socket = await RawSocket.connect(server.port);
    const fields = {
      'Tus-Resumable': '1.0.0',
      'Content-Type': OFFSET_STREAM,
      'Upload-Offset': '0',
      'Content-Length': '10',
    };
    await socket.sendHead('PATCH', new URL(url).pathname, fields);
    await socket.send('hello');
    await eventually('arrival of the first bytes', () => server.progress(url) === 5);
    expect((await terminate(url)).status).toBe(204);
    const response = await socket.response();
    expect(response.status).toBeGreaterThanOrEqual(400);
    await socket.send('world');
    expect(GONE).toContain((await head(url)).status);
    expect((await server.uploads()).filter(({ id }) => url.endsWith(id))).toEqual([]);
  });
});
