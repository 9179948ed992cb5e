import { buffer } from 'node:stream/consumers';
import { eventually } from '../harness/eventually.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { startServer } from '../harness/server-process.js';
import { startProxy } from '../harness/tcp-proxy.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { createUpload, download, patch, storeUpload, terminate } from '../harness/tus-requests.js';
import { base64 } from '../harness/wire-values.js';
import { Ceph } from './ceph.js';
import { MIB, Node, Operations } from './s3-fixture.js';

let ceph: Ceph;
let bucket: string;
beforeAll(async () => {
  ceph = await Ceph.start();
  bucket = await ceph.newBucket();
});
afterAll(() => ceph.stop());

const start = async (...flags: string[]) =>
  startServer({
    uploadDir: await temporaryFolder(),
    environment: ceph.environment(),
    flags: ['--store', 's3', '--s3-bucket', bucket, '--s3-endpoint', ceph.endpoint, ...flags],
  });

describe('GET with --s3-presigned-downloads', () => {
  let url: string;
  beforeAll(async () => ({ url } = await start('--s3-presigned-downloads', '5m')));

  /** What a client gets that follows the redirect. */
  const followed = async (upload: string, headers: Record<string, string> = {}) => {
    const { status, headers: answered } = await download(upload);
    expect(status).toBe(302);
    const { location = '' } = answered;
    return download(location, headers);
  };

  it.each([1_000, 12 * MIB])('has the service serve %d bytes', async (size) => {
    const content = randomContent(`presigned ${size}`, size);
    const upload = await storeUpload(url, content);
    const reply = await followed(upload);
    expect([reply.status, sha256(reply.body)]).toEqual([200, sha256(content)]);
    const response = await fetch(upload, { headers: { Range: 'bytes=10-19' } });
    expect([response.status, response.headers.get('content-range')]).toEqual([206, `bytes 10-19/${size}`]);
    expect(Buffer.from(await response.arrayBuffer()).equals(content.subarray(10, 20))).toBe(true);
  });

  it('has the service say the same of the content as this server does', async () => {
    const server = await start();
    for (const [name, type] of [
      ['Größe 世界 100%.html', 'text/html'],
      ['a "b"; c=d&e+f.png', 'image/png'],
    ] as const) {
      const metadata = `filename ${base64(name)},filetype ${base64(type)}`;
      const upload = await storeUpload(url, 'content', { 'Upload-Metadata': metadata });
      const here = await download(new URL(new URL(upload).pathname, server.url).href);
      const there = await followed(upload);
      for (const field of ['content-type', 'content-disposition', 'content-length'])
        expect([field, there.headers[field]]).toEqual([field, here.headers[field]]);
      expect(there.text).toBe('content');
    }
  });

  it('has the service answer conditions by its own tags', async () => {
    const upload = await storeUpload(url, 'content');
    const { etag = '' } = (await followed(upload)).headers;
    expect((await fetch(upload, { headers: { 'If-None-Match': etag } })).status).toBe(304);
    expect((await fetch(upload, { headers: { 'If-Match': etag } })).status).toBe(200);
  });

  it('signs for one object, as it is to be served, and for a while', async () => {
    const server = await start('--s3-presigned-downloads', '1s');
    const [one, other] = [await storeUpload(server.url, 'one'), await storeUpload(server.url, 'other')];
    const location = String((await download(one)).headers.location);
    const idOf = (upload: string) => String(upload.split('/').at(-1));
    expect((await fetch(location.replace(idOf(one), idOf(other)))).status).toBe(403);
    const inline = location.replace(
      'response-content-disposition=attachment',
      'response-content-disposition=inline',
    );
    expect(inline).not.toBe(location);
    expect((await fetch(inline)).status).toBe(403);
    await eventually('the URL has ended', async () => (await fetch(location)).status === 403);
  });

  it('serves by itself what is empty, and refuses what is not finished or gone', async () => {
    expect((await download(await createUpload(url, 0))).status).toBe(200);
    const half = await createUpload(url, 10);
    await patch(half, 0, 'hello');
    expect((await download(half)).status).toBe(400);
    const gone = await storeUpload(url, 'content');
    await terminate(gone);
    expect((await download(gone)).status).toBe(404);
  });

  it('signs for the host by which clients reach the service', async () => {
    const port = Number(new URL(ceph.endpoint).port);
    const outside = await startProxy(port);
    const endpoint = `http://localhost:${outside.port}`;
    const server = await start('--s3-presigned-downloads', '5m', '--s3-public-endpoint', endpoint);
    const upload = await storeUpload(server.url, 'content');
    const location = String((await download(upload)).headers.location);
    expect(location.startsWith(`${endpoint}/${bucket}/`)).toBe(true);
    expect(await download(location)).toMatchObject({ status: 200, text: 'content' });
  });
});

describe('a download', () => {
  /** What GET asks of a store. */
  const read = async ({ store }: Node, id: string) => {
    const upload = await store.getUpload(id, {});
    const { size } = await upload.getInfo({});
    const served = { contentType: 'text/plain', contentDisposition: 'inline' };
    const url = await upload.getDownloadUrl?.(served, {});
    if (url === undefined) expect(await buffer(await upload.getReader({}))).toHaveLength(size);
    return url;
  };

  it('costs a look at the record, and one at the object when that goes through the server', async () => {
    // With an endpoint of its own, signing goes by another client than the one whose calls are counted.
    const signing = new Node(ceph, {
      bucket,
      presignedDownloads: { lifetime: 60_000, endpoint: ceph.endpoint },
    });
    const streaming = new Node(ceph, { bucket });
    const id = await new Operations().createWith(streaming, Buffer.from('content'));
    await Promise.all([signing.store.init(), streaming.store.init()]);
    signing.takeCalls();
    streaming.takeCalls();
    expect(await read(signing, id)).toMatch(/^http/);
    expect(signing.takeCalls()).toEqual(['GetObject']);
    expect(await read(streaming, id)).toBeUndefined();
    expect(streaming.takeCalls()).toEqual(['GetObject', 'GetObject']);
  });
});
