import { MemoryLocker, MemoryStore, StoreComposer } from '@nestjs-tus/core';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import {
  create,
  createUpload,
  download,
  extensionsOf,
  head,
  locationOf,
  patch,
  storeUpload,
  terminate,
} from '../harness/tus-requests.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess({ maxSize: 100 });
});

const PARTIAL = { 'Upload-Concat': 'partial' };
const finalOf = (...urls: string[]) => ({ 'Upload-Concat': `final;${urls.join(' ')}` });

const completedEvents = (url: string) =>
  server.events.filter(({ name, event }) => name === 'completed' && url.endsWith(event.upload.id)).length;

describe('concatenation-unfinished', () => {
  it('CO12: is announced', async () => {
    expect(await extensionsOf(server.url)).toContain('concatenation-unfinished');
  });

  it('CO12: is refused where the store cannot remember the finals that wait', async () => {
    const store = new MemoryStore();
    const storeComposer = StoreComposer.of(store, new MemoryLocker()).useUpdater(undefined);
    const without = await startInProcess({ storeComposer });
    expect(await extensionsOf(without.url)).not.toContain('concatenation-unfinished');
    const url = await createUpload(without.url, 5, PARTIAL);
    const reply = await create(without.url, finalOf(url));
    expect(reply.status).toBe(400);
    expect(reply.text).toMatch(/^ERR_UPLOAD_NOT_FINISHED: /);
  });

  it('CO12: a final waits for its partials, and is whole when the last one is', async () => {
    const [hello, world] = [
      await createUpload(server.url, 5, PARTIAL),
      await createUpload(server.url, 5, PARTIAL),
    ];
    const url = locationOf(server.url, await create(server.url, finalOf(hello, world)));
    const waiting = await head(url);
    expect(waiting.status).toBe(200);
    expect(waiting.headers).not.toHaveProperty('upload-offset');
    expect(waiting.headers['upload-length']).toBe('10');

    await patch(world, 0, 'world');
    expect((await head(url)).headers).not.toHaveProperty('upload-offset');
    expect((await download(url)).status).toBe(400);
    expect(completedEvents(url)).toBe(0);

    await patch(hello, 0, 'hello');
    expect((await head(url)).headers).toMatchObject({ 'upload-offset': '10', 'upload-length': '10' });
    expect((await download(url)).text).toBe('helloworld');
    expect(completedEvents(url)).toBe(1);
  });

  it('CO12: finishing the last partial is enough: nobody has to ask for the final', async () => {
    const part = await createUpload(server.url, 4, PARTIAL);
    const url = locationOf(server.url, await create(server.url, finalOf(part, part)));
    await patch(part, 0, 'part');
    expect(completedEvents(url)).toBe(1);
    expect((await download(url)).text).toBe('partpart');
  });

  it('CO12: two finals can wait for the same partial', async () => {
    const part = await createUpload(server.url, 4, PARTIAL);
    const done = await storeUpload(server.url, 'done', PARTIAL);
    const urls = [];
    for (const members of [
      [part, done],
      [done, part],
    ]) {
      urls.push(locationOf(server.url, await create(server.url, finalOf(...members))));
    }
    await patch(part, 0, 'part');
    const contents = await Promise.all(urls.map(async (url) => (await download(url)).text));
    expect(contents).toEqual(['partdone', 'donepart']);
  });

  it('CO12: has no length while a partial’s is deferred', async () => {
    const [known, deferred] = [
      await storeUpload(server.url, 'known', PARTIAL),
      await createUpload(server.url, 'deferred', PARTIAL),
    ];
    const url = locationOf(server.url, await create(server.url, finalOf(known, deferred)));
    const { headers } = await head(url);
    expect(headers).not.toHaveProperty('upload-length');
    expect(headers).not.toHaveProperty('upload-offset');
    await patch(deferred, 0, 'late', { 'Upload-Length': '4' });
    expect((await head(url)).headers).toMatchObject({ 'upload-offset': '9', 'upload-length': '9' });
    expect((await download(url)).text).toBe('knownlate');
  });

  it('CO8: a PATCH of a final that waits is 403', async () => {
    const part = await createUpload(server.url, 4, PARTIAL);
    const url = locationOf(server.url, await create(server.url, finalOf(part)));
    expect((await patch(url, 0, 'part')).status).toBe(403);
  });

  it('CO13: a sum of known lengths above the limit is 413', async () => {
    const part = await createUpload(server.url, 60, PARTIAL);
    expect((await create(server.url, finalOf(part, part))).status).toBe(413);
  });

  it('a final that waits can be terminated, and its partials go on', async () => {
    const part = await createUpload(server.url, 4, PARTIAL);
    const url = locationOf(server.url, await create(server.url, finalOf(part)));
    expect((await terminate(url)).status).toBe(204);
    expect((await patch(part, 0, 'part')).status).toBe(204);
    expect([404, 410]).toContain((await head(url)).status);
  });
});
