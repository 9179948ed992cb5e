import { type FileInfo, stateOf } from '@nestjs-tus/core';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import {
  create,
  createUpload,
  download,
  head,
  locationOf,
  patch,
  storeUpload,
} from '../harness/tus-requests.js';

const MAX_SIZE = 1_000;
const PART = { 'Upload-Concat': 'partial' };

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess({ maxSize: MAX_SIZE });
});

const final = (collection: string, ...parts: string[]) =>
  create(collection, { 'Upload-Concat': `final;${parts.join(' ')}` });
const infoOf = async (of: InProcessServer, url: string): Promise<FileInfo | undefined> =>
  (await of.uploads()).find(({ id }) => url.endsWith(id));

/** The final is refused for good: 413 to each request, nothing joined. */
async function expectRejected(of: InProcessServer, url: string): Promise<void> {
  for (const ask of [head, download, head]) expect((await ask(url)).status).toBe(413);
  const info = await infoOf(of, url);
  expect(info && [stateOf(info), info.offset]).toEqual(['rejected', 0]);
  expect(of.complaints).toEqual([]);
}

describe('the largest size, when lengths become known later', () => {
  it.each([
    ['a part that is named three times', 3, 900],
    ['a part that is named twice, one byte too much', 2, 501],
  ])('rejects a final upload of %s', async (_, times, length) => {
    const part = await createUpload(server.url, 'deferred', PART);
    const url = locationOf(server.url, await final(server.url, ...Array.from({ length: times }, () => part)));
    expect((await patch(part, 0, 'a'.repeat(length), { 'Upload-Length': String(length) })).status).toBe(204);
    await expectRejected(server, url);
  });

  it('rejects one of two parts whose lengths come one after the other', async () => {
    const parts = [
      await createUpload(server.url, 'deferred', PART),
      await createUpload(server.url, 'deferred', PART),
    ];
    const url = locationOf(server.url, await final(server.url, ...parts));
    for (const part of parts) await patch(part, 0, 'a'.repeat(600), { 'Upload-Length': '600' });
    await expectRejected(server, url);
  });

  it('takes as much as it allows', async () => {
    const part = await createUpload(server.url, 'deferred', PART);
    const url = locationOf(server.url, await final(server.url, part, part));
    await patch(part, 0, 'a'.repeat(500), { 'Upload-Length': '500' });
    expect((await head(url)).headers['upload-length']).toBe('1000');
    expect((await download(url)).text).toHaveLength(1_000);
  });

  it('refuses a final upload that is too large already, though the rest of its length is not known', async () => {
    const whole = await storeUpload(server.url, 'a'.repeat(600), PART);
    const open = await createUpload(server.url, 'deferred', PART);
    await patch(open, 0, 'a'.repeat(500));
    expect((await final(server.url, whole, open)).status).toBe(413);
    expect((await final(server.url, whole, whole)).status).toBe(413);
  });

  it('holds by what a hook has set for one upload', async () => {
    const hooked = await startInProcess({ preUploadCreateCallback: () => ({ changes: { maxSize: 50 } }) });
    const deferred = await createUpload(hooked.url, 'deferred');
    expect((await patch(deferred, 0, 'a', { 'Upload-Length': '51' })).status).toBe(413);
    expect((await patch(deferred, 0, 'a'.repeat(51))).status).toBe(413);
    expect((await head(deferred)).headers).toMatchObject({
      'upload-offset': '0',
      'upload-defer-length': '1',
    });
    const part = await createUpload(hooked.url, 'deferred', PART);
    const url = locationOf(hooked.url, await final(hooked.url, part, part));
    await patch(part, 0, 'a'.repeat(26), { 'Upload-Length': '26' });
    await expectRejected(hooked, url);
    expect((await final(hooked.url, part, part)).status).toBe(413);
  });
});

describe('a length that comes with a request that is refused', () => {
  const refused = {
    'has a wrong checksum': [{ 'Upload-Length': '10', 'Upload-Checksum': `sha1 ${'A'.repeat(27)}=` }, 460],
    'has a checksum of no kind': [{ 'Upload-Length': '10', 'Upload-Checksum': 'sha9 AAAA' }, 400],
    'is too long for it': [{ 'Upload-Length': '4' }, 413],
    'is above the largest size': [{ 'Upload-Length': '1001' }, 413],
    'begins elsewhere': [{ 'Upload-Length': '10', 'Upload-Offset': '3' }, 409],
    'is of another type': [{ 'Upload-Length': '10', 'Content-Type': 'text/plain' }, 400],
  } as const;

  it.each(Object.entries(refused))('since it %s, stays open', async (_, [fields, status]) => {
    const url = await createUpload(server.url, 'deferred');
    expect((await patch(url, 0, 'hello', fields)).status).toBe(status);
    const { headers } = await head(url);
    expect(headers).toMatchObject({ 'upload-offset': '0', 'upload-defer-length': '1' });
    expect(headers).not.toHaveProperty('upload-length');
    expect((await patch(url, 0, 'hello', { 'Upload-Length': '5' })).status).toBe(204);
    expect((await download(url)).text).toBe('hello');
  });

  it('is taken with the bytes whose checksum is right', async () => {
    const url = await createUpload(server.url, 'deferred');
    const sum = Buffer.from(await crypto.subtle.digest('SHA-1', Buffer.from('hello'))).toString('base64');
    const reply = await patch(url, 0, 'hello', { 'Upload-Length': '10', 'Upload-Checksum': `sha1 ${sum}` });
    expect(reply.status).toBe(204);
    expect((await head(url)).headers).toMatchObject({ 'upload-offset': '5', 'upload-length': '10' });
    await patch(url, 5, 'world');
    expect((await download(url)).text).toBe('helloworld');
  });
});
