import { Upload, type UploadOptions } from 'tus-js-client';
import { on, openPatch } from '../harness/open-patch.js';
import { randomContent, randomNumbers, sha256 } from '../harness/random-content.js';
import { runServer, type ServerProcess, startServer } from '../harness/server-process.js';
import { startProxy } from '../harness/tcp-proxy.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { createUpload, download, offsetOf, patch, send } from '../harness/tus-requests.js';
import { Ceph } from './ceph.js';

const MIB = 1024 * 1024;

let ceph: Ceph;
let bucket: string;
let uploadDir: string;
beforeAll(async () => {
  ceph = await Ceph.start();
  bucket = await ceph.newBucket();
  uploadDir = await temporaryFolder();
});
afterAll(() => ceph.stop());

/** Two of them with one folder share its locks: as several nodes do by Redis. */
const startNode = (...flags: string[]): Promise<ServerProcess> =>
  startServer({
    uploadDir,
    environment: ceph.environment(),
    flags: [
      '--store',
      's3',
      '--s3-bucket',
      bucket,
      '--s3-endpoint',
      ceph.endpoint,
      '--locker',
      'file',
      ...flags,
    ],
  });

const upload = (content: Buffer, options: UploadOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    const sent = new Upload(content, {
      retryDelays: Array<number>(30).fill(20),
      ...options,
      onError: reject,
      onSuccess: () => resolve(sent.url ?? ''),
    });
    sent.start();
  });

const downloaded = async (url: string) => sha256((await download(url)).body);

describe('the server with --store s3', () => {
  it('takes what tus-js-client sends, in every way it can', async () => {
    const { url: endpoint } = await startNode();
    const ways: [number, UploadOptions][] = [
      [0, {}],
      [1_000, { uploadDataDuringCreation: true }],
      [300_000, {}],
      [12 * MIB, { chunkSize: 1_500_000 }],
      [
        12 * MIB,
        { uploadDataDuringCreation: true, metadata: { filename: 'Größe 世界.bin', filetype: 'image/png' } },
      ],
      [24 * MIB, { parallelUploads: 4 }],
      [7 * MIB, { uploadLengthDeferred: true, chunkSize: 2 * MIB }],
    ];
    for (const [size, options] of ways) {
      const content = randomContent(JSON.stringify(options), size);
      const url = await upload(content, { endpoint, ...options });
      expect(await downloaded(url)).toBe(sha256(content));
      const head = await send('HEAD', url, { 'Tus-Resumable': '1.0.0' });
      expect(head).toMatchObject({ status: 200, headers: { 'upload-offset': String(size) } });
      await Upload.terminate(url);
      expect((await send('HEAD', url, { 'Tus-Resumable': '1.0.0' })).status).toBe(404);
    }
    // The four partial uploads, which outlive their final one: each is an object and a record.
    expect(await ceph.keys(bucket)).toHaveLength(8);
    expect(await ceph.openMultiparts(bucket)).toEqual([]);
  });

  it('keeps uploads whole whose requests go to two nodes, over connections that break', async () => {
    const nodes = await Promise.all([startNode(), startNode()]);
    const proxies = [await startProxy(nodes[0].port), await startProxy(nodes[1].port)] as const;
    const random = randomNumbers('nodes');
    const pick = (url: string) => {
      const target = new URL(url);
      target.port = String(proxies[random() < 0.5 ? 0 : 1].port);
      return target.href;
    };
    const uploads = Array.from({ length: 10 }, async (_, index) => {
      const content = randomContent(`node ${index}`, Math.ceil(random() * 9 * MIB));
      const url = await upload(content, {
        endpoint: pick(nodes[0].url),
        chunkSize: MIB + index * 150_000,
        onBeforeRequest: (request) => {
          // Each request, the first one too, goes to a node that chance picks.
          const underlying = request as unknown as { _url: string };
          underlying._url = pick(underlying._url);
        },
        onChunkComplete: (size) => {
          if (random() < 0.3) proxies[random() < 0.5 ? 0 : 1].cutAfter(Math.ceil(random() * size));
        },
      });
      const { pathname } = new URL(url);
      for (const node of nodes) {
        expect(await downloaded(new URL(pathname, node.url).href)).toBe(sha256(content));
      }
    });
    await Promise.all(uploads);
    expect(proxies[0].cuts() + proxies[1].cuts()).toBeGreaterThan(0);
  });

  it('goes on after a node was killed in the middle of a chunk', async () => {
    const content = randomContent('killed', 14 * MIB);
    const first = await startNode();
    const created = await send('POST', first.url, {
      'Tus-Resumable': '1.0.0',
      'Upload-Length': String(content.length),
    });
    const url = String(created.headers.location);
    const proxy = await startProxy(first.port);
    const sendRest = (target: string, offset: number) =>
      send(
        'PATCH',
        target,
        {
          'Tus-Resumable': '1.0.0',
          'Upload-Offset': String(offset),
          'Content-Type': 'application/offset+octet-stream',
        },
        content.subarray(offset),
      );
    proxy.cutAfter(7 * MIB);
    await sendRest(proxy.through(url), 0).catch(() => undefined);
    first.signal('SIGKILL');
    await first.exited;
    const second = await startNode();
    const moved = url.replace(`:${first.port}/`, `:${second.port}/`);
    const head = await send('HEAD', moved, { 'Tus-Resumable': '1.0.0' });
    const offset = Number(head.headers['upload-offset']);
    expect(offset).toBeLessThanOrEqual(7 * MIB);
    expect((await sendRest(moved, offset)).status).toBe(204);
    expect(await downloaded(moved)).toBe(sha256(content));
  });

  it('commits what has arrived when somebody else comes, and at SIGTERM', async () => {
    const content = randomContent('let go', 9 * MIB);
    const [one, other] = await Promise.all([startNode(), startNode()]);
    const url = await createUpload(one.url, content.length);
    const elsewhere = on(other.url, url);
    const running = await openPatch(url, { offset: 0, length: content.length });
    await running.send(content.subarray(0, 6 * MIB));
    const offset = await offsetOf(elsewhere);
    expect(offset).toBeLessThanOrEqual(6 * MIB);
    expect((await running.response()).status).toBe(400);

    const again = await openPatch(url, { offset, length: content.length - offset });
    await again.send(content.subarray(offset, 7 * MIB));
    expect((await one.stop('SIGTERM')).code).toBe(0);
    const kept = await offsetOf(elsewhere);
    expect(kept).toBeGreaterThanOrEqual(offset);
    expect(kept).toBeLessThanOrEqual(7 * MIB);
    expect((await patch(elsewhere, kept, content.subarray(kept))).status).toBe(204);
    expect(await downloaded(elsewhere)).toBe(sha256(content));
  });

  it('says at start what is wrong with the bucket, in one line', async () => {
    const args = ['--port', '0', '--store', 's3', '--s3-bucket', 'nowhere', '--s3-endpoint', ceph.endpoint];
    const { ready, exited, stderr } = runServer(args, ceph.environment());
    ready.catch(() => undefined);
    expect((await exited).code).not.toBe(0);
    expect(stderr()).toContain('the bucket "nowhere" does not exist');
  });
});
