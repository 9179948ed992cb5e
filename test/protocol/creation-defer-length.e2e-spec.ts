import { MemoryLocker, MemoryStore, StoreComposer } from '@nestjs-tus/core';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { chunked, rawExchange } from '../harness/raw-socket.js';
import {
  create,
  createUpload,
  download,
  extensionsOf,
  head,
  offsetOf,
  OFFSET_STREAM,
  patch,
} from '../harness/tus-requests.js';
import { NOT_A_NUMBER_OF_BYTES } from '../harness/wire-values.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess({ maxSize: 20 });
});

const completedEvents = (url: string) =>
  server.events.filter(({ name, event }) => name === 'completed' && url.endsWith(event.upload.id)).length;

describe('creation-defer-length', () => {
  it('DL1: is announced', async () => {
    expect(await extensionsOf(server.url)).toContain('creation-defer-length');
  });

  it('DL1: is refused where the store cannot do it', async () => {
    const storeComposer = new StoreComposer().useCore(new MemoryStore()).useLocker(new MemoryLocker());
    const bare = await startInProcess({ storeComposer });
    expect([400, 501]).toContain((await create(bare.url, { 'Upload-Defer-Length': '1' })).status);
  });

  it('DL2: HEAD says so while the length is unknown, and only then', async () => {
    const url = await createUpload(server.url, 'deferred');
    await patch(url, 0, 'hello');
    const before = (await head(url)).headers;
    expect(before).toMatchObject({ 'upload-defer-length': '1', 'upload-offset': '5' });
    expect(before).not.toHaveProperty('upload-length');
    await patch(url, 5, 'w', { 'Upload-Length': '10' });
    const after = (await head(url)).headers;
    expect(after).toMatchObject({ 'upload-length': '10', 'upload-offset': '6' });
    expect(after).not.toHaveProperty('upload-defer-length');
  });

  it('DL3: a PATCH that brings the last bytes declares the length', async () => {
    const url = await createUpload(server.url, 'deferred');
    await patch(url, 0, 'hello');
    expect((await patch(url, 5, 'world', { 'Upload-Length': '10' })).status).toBe(204);
    expect((await download(url)).text).toBe('helloworld');
    expect(completedEvents(url)).toBe(1);
  });

  it('DL3: an empty PATCH declares the length', async () => {
    const url = await createUpload(server.url, 'deferred');
    expect((await patch(url, 0, '', { 'Upload-Length': '5' })).status).toBe(204);
    expect((await head(url)).headers).toMatchObject({ 'upload-length': '5', 'upload-offset': '0' });
    expect(completedEvents(url)).toBe(0);
    await patch(url, 0, 'hello');
    expect(completedEvents(url)).toBe(1);
  });

  it('DL3: an empty PATCH that declares the current offset as the length completes the upload', async () => {
    const url = await createUpload(server.url, 'deferred');
    await patch(url, 0, 'hello');
    const reply = await patch(url, 5, '', { 'Upload-Length': '5' });
    expect([reply.status, reply.headers['upload-offset']]).toEqual([204, '5']);
    expect((await download(url)).text).toBe('hello');
    expect(completedEvents(url)).toBe(1);
  });

  it('DL3: a deferred upload can turn out to be empty', async () => {
    const url = await createUpload(server.url, 'deferred');
    expect((await patch(url, 0, '', { 'Upload-Length': '0' })).status).toBe(204);
    expect((await head(url)).headers).toMatchObject({ 'upload-length': '0', 'upload-offset': '0' });
    expect(completedEvents(url)).toBe(1);
  });

  it('DL3: the length cannot be changed once it is known', async () => {
    const url = await createUpload(server.url, 'deferred');
    await patch(url, 0, 'hello', { 'Upload-Length': '10' });
    const reply = await patch(url, 5, 'worldX', { 'Upload-Length': '11' });
    expect(reply.status).toBe(400);
    expect(reply.text).toMatch(/^ERR_INVALID_UPLOAD_LENGTH: /);
    expect((await head(url)).headers).toMatchObject({ 'upload-length': '10', 'upload-offset': '5' });
  });

  it('DL3: the same length again is harmless', async () => {
    const url = await createUpload(server.url, 'deferred');
    await patch(url, 0, 'hello', { 'Upload-Length': '10' });
    expect((await patch(url, 5, 'world', { 'Upload-Length': '10' })).status).toBe(204);
  });

  it.each(NOT_A_NUMBER_OF_BYTES)(
    'DL3: a declared length that is %s (%j) is 400 and stores nothing',
    async (_, value) => {
      const url = await createUpload(server.url, 'deferred');
      const { response } = await rawExchange(
        server.port,
        'PATCH',
        new URL(url).pathname,
        {
          'Tus-Resumable': '1.0.0',
          'Content-Type': OFFSET_STREAM,
          'Upload-Offset': '0',
          'Upload-Length': value,
          'Content-Length': '5',
        },
        'hello',
      );
      expect(response.status).toBe(400);
      expect((await head(url)).headers).toMatchObject({ 'upload-defer-length': '1', 'upload-offset': '0' });
    },
  );

  it('DL4: a length below the offset is 400', async () => {
    const url = await createUpload(server.url, 'deferred');
    await patch(url, 0, 'hello');
    expect((await patch(url, 5, '', { 'Upload-Length': '4' })).status).toBe(400);
    expect((await head(url)).headers).toMatchObject({ 'upload-defer-length': '1', 'upload-offset': '5' });
  });

  it('DL4: a length above the limit is 413', async () => {
    const url = await createUpload(server.url, 'deferred');
    expect((await patch(url, 0, 'hello', { 'Upload-Length': '21' })).status).toBe(413);
    expect((await head(url)).headers).toMatchObject({ 'upload-defer-length': '1', 'upload-offset': '0' });
  });

  it('DL4: a body beyond the declared length is 413', async () => {
    const url = await createUpload(server.url, 'deferred');
    expect((await patch(url, 0, 'hello', { 'Upload-Length': '4' })).status).toBe(413);
    expect(await offsetOf(url)).toBeLessThanOrEqual(4);
  });

  it.each(['Content-Length', 'chunked'])(
    'DL4: the limit holds while the length is unknown (%s)',
    async (framing) => {
      const url = await createUpload(server.url, 'deferred');
      const content = 'x'.repeat(21);
      const usual = { 'Tus-Resumable': '1.0.0', 'Content-Type': OFFSET_STREAM, 'Upload-Offset': '0' };
      const [fields, body] =
        framing === 'chunked'
          ? [{ ...usual, 'Transfer-Encoding': 'chunked' }, chunked([content])]
          : [{ ...usual, 'Content-Length': '21' }, content];
      const { response } = await rawExchange(server.port, 'PATCH', new URL(url).pathname, fields, body);
      expect(response.status).toBe(413);
      expect(await offsetOf(url)).toBeLessThanOrEqual(20);
    },
  );
});
