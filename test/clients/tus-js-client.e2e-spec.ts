import { Readable } from 'node:stream';
import { Upload, type UploadOptions } from 'tus-js-client';
import { eventually } from '../harness/eventually.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { startProxy } from '../harness/tcp-proxy.js';
import { download, head } from '../harness/tus-requests.js';

const MIB = 2 ** 20;
const RETRIES = Array<number>(50).fill(20);

let server: ServerProcess;
const large = randomContent('large', 64 * MIB);
const small = randomContent('small', 12 * MIB);
beforeAll(async () => {
  server = await startServer();
});

type Source = ConstructorParameters<typeof Upload>[0] | Readable;
type Options = Partial<UploadOptions>;

/** An upload that is not started, and its end. */
function prepare(source: Source, options: Options = {}): { upload: Upload; done: Promise<void> } {
  let settle: { resolve: () => void; reject: (error: Error) => void };
  const done = new Promise<void>((resolve, reject) => (settle = { resolve, reject }));
  const upload = new Upload(source as Buffer, {
    endpoint: server.url,
    retryDelays: RETRIES,
    onSuccess: () => settle.resolve(),
    onError: (error) => settle.reject(error),
    ...options,
  });
  return { upload, done };
}

/** Uploads all of it, and gives the URL. */
async function uploadAll(source: Source, options: Options = {}): Promise<string> {
  const { upload, done } = prepare(source, options);
  upload.start();
  await done;
  return upload.url ?? '';
}

async function expectStored(url: string, content: Buffer): Promise<void> {
  const reply = await download(url);
  expect([reply.status, reply.body.length]).toEqual([200, content.length]);
  expect(sha256(reply.body)).toBe(sha256(content));
}

/** Notes the requests that a client makes, `METHOD status`. */
function noted(requests: string[]): Options {
  return {
    onAfterResponse: (request, response) =>
      void requests.push(`${request.getMethod()} ${response.getStatus()}`),
  };
}

describe('tus-js-client', () => {
  it('uploads 64 MiB in chunks of 5 MiB', async () => {
    const requests: string[] = [];
    const url = await uploadAll(large, { chunkSize: 5 * MIB, ...noted(requests) });
    await expectStored(url, large);
    expect(requests).toEqual(['POST 201', ...Array<string>(13).fill('PATCH 204')]);
  });

  it('uploads 64 MiB in one request', async () => {
    const requests: string[] = [];
    await expectStored(await uploadAll(large, noted(requests)), large);
    expect(requests).toEqual(['POST 201', 'PATCH 204']);
  });

  it('uploads 64 MiB in four parallel parts', async () => {
    const url = await uploadAll(large, { parallelUploads: 4 });
    await expectStored(url, large);
    expect((await head(url)).headers['upload-concat']).toMatch(/^final;(\S+ ){3}\S+$/);
  });

  it('uploads a stream whose length it does not know', async () => {
    const pieces = Array.from({ length: 100 }, (_, index) =>
      small.subarray(
        Math.floor((index * small.length) / 100),
        Math.floor(((index + 1) * small.length) / 100),
      ),
    );
    const url = await uploadAll(Readable.from(pieces), { uploadLengthDeferred: true, chunkSize: 2 * MIB });
    await expectStored(url, small);
    expect((await head(url)).headers['upload-length']).toBe(String(small.length));
  });

  it.each([
    ['all of it', Infinity, ['POST 201']],
    ['a chunk', 5 * MIB, ['POST 201', 'PATCH 204', 'PATCH 204']],
  ])('sends data with the creation: %s', async (_, chunkSize, expected) => {
    const requests: string[] = [];
    const url = await uploadAll(small, { uploadDataDuringCreation: true, chunkSize, ...noted(requests) });
    await expectStored(url, small);
    expect(requests).toEqual(expected);
  });

  it('sends metadata beyond ASCII', async () => {
    const metadata = { filename: 'Übergröße 名前 🙂.txt', filetype: 'text/plain', empty: '' };
    const url = await uploadAll(Buffer.from('hello'), { metadata });
    const pairs = String((await head(url)).headers['upload-metadata'])
      .split(',')
      .map((pair) => pair.split(' '));
    const decoded = pairs.map(([key, value]) => [key, Buffer.from(value ?? '', 'base64').toString()]);
    expect(Object.fromEntries(decoded)).toEqual(metadata);
    const { headers } = await download(url);
    expect(decodeURIComponent(String(headers['content-disposition']))).toContain(metadata.filename);
  });

  it('uploads nothing at all', async () => {
    await expectStored(await uploadAll(Buffer.alloc(0)), Buffer.alloc(0));
  });

  it('terminates an upload that is running', async () => {
    const { upload } = prepare(small, { chunkSize: MIB });
    const begun = new Promise<void>((resolve) => (upload.options.onChunkComplete = () => resolve()));
    upload.start();
    await begun;
    await upload.abort(true);
    expect([404, 410]).toContain((await head(upload.url ?? '')).status);
  });

  it('terminates an upload that is finished', async () => {
    const url = await uploadAll(Buffer.from('hello'));
    await Upload.terminate(url, { retryDelays: RETRIES });
    expect([404, 410]).toContain((await download(url)).status);
  });

  it('goes on from a second client that knows only the URL', async () => {
    const first = prepare(small, { chunkSize: MIB });
    const begun = new Promise<void>((resolve) => {
      first.upload.options.onChunkComplete = (_, accepted) => accepted >= 3 * MIB && resolve();
    });
    first.upload.start();
    await begun;
    await first.upload.abort();
    const url = first.upload.url ?? '';
    const offset = Number((await head(url)).headers['upload-offset']);
    expect(offset).toBeGreaterThanOrEqual(3 * MIB);

    const requests: string[] = [];
    expect(await uploadAll(small, { uploadUrl: url, ...noted(requests) })).toBe(url);
    expect(requests).toEqual(['HEAD 200', 'PATCH 204']);
    await expectStored(url, small);
  });

  it.each([
    ['in one request', {}],
    ['in chunks', { chunkSize: 5 * MIB }],
    ['with data in the creation', { uploadDataDuringCreation: true, chunkSize: 5 * MIB }],
  ])('survives five cuts of the connection, %s, without starting again', async (_, options) => {
    const proxy = await startProxy(server.port);
    const creations: string[] = [];
    const arm = () => {
      if (proxy.cuts() < 5) proxy.cutAfter(9 * MIB, arm);
    };
    const { upload, done } = prepare(large, {
      endpoint: proxy.through(server.url),
      onAfterResponse: (request) => void (request.getMethod() === 'POST' && creations.push(request.getURL())),
      ...options,
    });
    // The creation itself is not what is cut here: a client that never got a URL has nothing to resume.
    upload.options.onUploadUrlAvailable = arm;
    upload.start();
    await done;
    expect(proxy.cuts()).toBe(5);
    expect(creations).toHaveLength(1);
    expect(proxy.bytesUpstream()).toBeLessThan(2 * large.length);
    await expectStored(upload.url ?? '', large);
  });

  it('survives five cuts with four parallel parts', async () => {
    const proxy = await startProxy(server.port);
    const arm = () => {
      if (proxy.cuts() < 5) proxy.cutAfter(9 * MIB, arm);
    };
    const { upload, done } = prepare(large, { endpoint: proxy.through(server.url), parallelUploads: 4 });
    upload.start();
    await eventually('some bytes on their way', () => proxy.bytesUpstream() > MIB);
    arm();
    await done;
    expect(proxy.cuts()).toBe(5);
    await expectStored(upload.url ?? '', large);
  });

  it('waits for a server that is gone for a while', async () => {
    const proxy = await startProxy(server.port);
    const { upload, done } = prepare(small, { endpoint: proxy.through(server.url), chunkSize: MIB });
    const begun = new Promise<void>((resolve) => (upload.options.onChunkComplete = () => resolve()));
    upload.start();
    await begun;
    proxy.refuse(true);
    proxy.cut();
    const refused = proxy.connections();
    await eventually('some attempts in vain', () => proxy.connections() > refused + 2);
    proxy.refuse(false);
    await done;
    await expectStored(upload.url ?? '', small);
  });
});
