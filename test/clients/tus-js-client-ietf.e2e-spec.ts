import { Readable } from 'node:stream';
import { Upload, type UploadOptions } from 'tus-js-client';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { randomContent } from '../harness/random-content.js';
import { startProxy } from '../harness/tcp-proxy.js';
import { send } from '../harness/tus-requests.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess({ enableExperimentalProtocol: true });
});

/** The option that the client's own types leave out. */
interface DraftOptions extends UploadOptions {
  protocol: 'ietf-draft-03' | 'ietf-draft-05';
}

/** Uploads, and resolves with the URL. */
function upload(content: UploadSource, options: DraftOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const started = new Upload(content as Buffer, {
      endpoint: server.url,
      retryDelays: [0, 0, 0, 10, 50],
      ...options,
      onError: reject,
      onSuccess: () => resolve(started.url ?? ''),
    });
    started.start();
  });
}

type UploadSource = Buffer | Readable;

async function isStored(url: string, content: Buffer): Promise<boolean> {
  const reply = await send('GET', url);
  return reply.status === 200 && reply.body.equals(content);
}

describe.each(['ietf-draft-03', 'ietf-draft-05'] as const)('tus-js-client, %s', (protocol) => {
  it('uploads a file in one request', async () => {
    const content = randomContent('one', 300_000);
    const url = await upload(content, { protocol });
    expect(await isStored(url, content)).toBe(true);
  });

  it('uploads in chunks, and a hook sees the metadata', async () => {
    const content = randomContent('chunks', 300_000);
    const metadata = { filename: 'ä.bin', filetype: 'application/x-test' };
    const url = await upload(content, { protocol, chunkSize: 70_000, metadata });
    expect(await isStored(url, content)).toBe(true);
    const completed = server.events.find(
      ({ name, event }) => name === 'completed' && url.endsWith(event.upload.id),
    );
    expect(completed?.event.upload.metaData).toEqual(metadata);
  });

  it('uploads while it creates', async () => {
    const content = randomContent('creation', 100_000);
    for (const chunkSize of [Infinity, 30_000]) {
      const url = await upload(content, { protocol, uploadDataDuringCreation: true, chunkSize });
      expect(await isStored(url, content)).toBe(true);
    }
  });

  it('uploads a file without content, which is complete', async () => {
    for (const uploadDataDuringCreation of [false, true]) {
      const url = await upload(Buffer.alloc(0), { protocol, uploadDataDuringCreation });
      expect(await isStored(url, Buffer.alloc(0))).toBe(true);
      expect(
        server.events.filter(({ name, event }) => name === 'completed' && url.endsWith(event.upload.id)),
      ).toHaveLength(1);
    }
  });

  it('goes on by itself when the connection is cut', async () => {
    const content = randomContent('cut', 2_000_000);
    const proxy = await startProxy(server.port);
    proxy.cutAfter(700_000);
    const url = await upload(content, { protocol, endpoint: proxy.through(server.url) });
    expect(proxy.cuts()).toBe(1);
    expect(await isStored(url, content)).toBe(true);
    expect(
      server.events.filter(({ name, event }) => name === 'completed' && url.endsWith(event.upload.id)),
    ).toHaveLength(1);
  });

  it('resumes an upload that another instance began', async () => {
    const content = randomContent('resumed', 500_000);
    const begun = await new Promise<string>((resolve, reject) => {
      const options: DraftOptions = {
        protocol,
        endpoint: server.url,
        chunkSize: 100_000,
        onError: reject,
        onChunkComplete: (_size, accepted) => {
          if (accepted === 200_000) void first.abort().then(() => resolve(first.url ?? ''), reject);
        },
      };
      const first = new Upload(content, options);
      first.start();
    });
    const url = await upload(content, { protocol, uploadUrl: begun });
    expect(url).toBe(begun);
    expect(await isStored(url, content)).toBe(true);
  });

  it('takes a finished upload for finished', async () => {
    const content = randomContent('finished', 1_000);
    const finished = await upload(content, { protocol });
    expect(await upload(content, { protocol, uploadUrl: finished })).toBe(finished);
  });

  it.each([50_000, 64_000])(
    'uploads a stream whose length is not known, in chunks of %d',
    async (chunkSize) => {
      const content = randomContent('stream', 200_000);
      const pieces = Array.from({ length: 20 }, (_, index) =>
        content.subarray(index * 10_000, (index + 1) * 10_000),
      );
      const url = await upload(Readable.from(pieces), { protocol, uploadLengthDeferred: true, chunkSize });
      expect(await isStored(url, content)).toBe(true);
    },
  );

  it('uploads many files at once', async () => {
    const files = Array.from({ length: 8 }, (_, index) => randomContent(`file ${index}`, 50_000 + index));
    const urls = await Promise.all(files.map((content) => upload(content, { protocol, chunkSize: 20_000 })));
    const stored = await Promise.all(urls.map((url, index) => isStored(url, files[index]!)));
    expect(stored).toEqual(files.map(() => true));
    expect(new Set(urls).size).toBe(files.length);
  });

  it('removes an upload', async () => {
    const url = await upload(randomContent('removed', 10), { protocol });
    const version = protocol === 'ietf-draft-03' ? '5' : '6';
    expect((await send('DELETE', url, { 'Upload-Draft-Interop-Version': version })).status).toBe(204);
  });
});
