import { setTimeout as pause } from 'node:timers/promises';
import { Upload } from 'tus-js-client';
import { eventually } from '../harness/eventually.js';
import { on, openPatch } from '../harness/open-patch.js';
import { randomContent, randomNumbers, sha256 } from '../harness/random-content.js';
import { type ServerProcess, startServer } from '../harness/server-process.js';
import { startProxy } from '../harness/tcp-proxy.js';
import { createUpload, download, head, patch } from '../harness/tus-requests.js';
import { Ceph } from './ceph.js';
import { type RedisServers, startRedis } from './redis-servers.js';

const MIB = 1024 * 1024;
/** The lease of the server's locker, in milliseconds. */
const LEASE_MS = 10_000;
const UPLOADS = 40;
const KILLS = 3;

let ceph: Ceph;
let redis: RedisServers;
let bucket: string;
beforeAll(async () => {
  [ceph, redis] = await Promise.all([Ceph.start(), startRedis('single')]);
  bucket = await ceph.newBucket();
});
afterAll(() => ceph.stop());

const startNode = (port?: number): Promise<ServerProcess> =>
  startServer({
    port,
    environment: ceph.environment(),
    flags: [
      ...['--store', 's3', '--s3-bucket', bucket, '--s3-endpoint', ceph.endpoint],
      ...['--locker', 'redis', '--redis-url', String(redis.options.url)],
    ],
  });

async function expectSame(url: string, content: Buffer, nodes: readonly ServerProcess[]): Promise<void> {
  for (const node of nodes) {
    const reply = await download(on(node.url, url));
    expect([reply.status, sha256(reply.body)]).toEqual([200, sha256(content)]);
  }
}

/** What HEAD answers once nobody holds the upload any more: never a 5xx, for which clients forget an upload. */
function unlockedOffset(url: string): Promise<string> {
  return eventually(
    'HEAD is no longer answered 423',
    async () => {
      const reply = await head(url);
      expect([200, 423]).toContain(reply.status);
      return reply.status === 200 ? String(reply.headers['upload-offset']) : undefined;
    },
    3 * LEASE_MS,
  );
}

describe('two servers, one bucket, one Redis', () => {
  it('keep every file whole while requests go to either, connections break, and one is killed again and again', async () => {
    const nodes = await Promise.all([startNode(), startNode()]);
    const proxies = [await startProxy(nodes[0].port), await startProxy(nodes[1].port)] as const;
    const random = randomNumbers('chaos');
    const either = () => proxies[random() < 0.5 ? 0 : 1];

    const uploadOne = async (index: number) => {
      const content = randomContent(`chaos ${index}`, 200_000 + Math.floor(random() * 7 * MIB));
      const url = await new Promise<string>((resolve, reject) => {
        const upload = new Upload(content, {
          endpoint: either().through(nodes[0].url),
          chunkSize: 500_000 + Math.floor(random() * 3 * MIB),
          retryDelays: Array<number>(200).fill(100),
          // A node that is down refuses connections, and one that has just come up knows nobody's lock: all of that passes.
          onShouldRetry: () => true,
          onBeforeRequest: (request) => {
            const underlying = request as unknown as { _url: string };
            underlying._url = on(`http://127.0.0.1:${either().port}/files/`, underlying._url);
          },
          onProgress: () => {
            if (random() < 0.003) either().cut();
          },
          onError: reject,
          onSuccess: () => resolve(upload.url ?? ''),
        });
        upload.start();
      });
      return { url, content };
    };

    const uploading = Promise.all(Array.from({ length: UPLOADS }, (_, index) => uploadOne(index)));
    for (let kill = 0; kill < KILLS; kill += 1) {
      await pause(2_500);
      const victim = kill % 2;
      const { port } = nodes[victim]!;
      await nodes[victim]!.stop('SIGKILL');
      nodes[victim] = await startNode(port);
    }
    const finished = await uploading;
    expect(proxies[0].cuts() + proxies[1].cuts()).toBeGreaterThan(0);
    for (const { url, content } of finished) {
      expect(await unlockedOffset(on(nodes[0].url, url))).toBe(String(content.length));
      await expectSame(url, content, nodes);
    }
  }, 240_000);

  it('let nothing count that a server writes which was paused beyond its lease', async () => {
    const [a, b] = await Promise.all([startNode(), startNode()]);
    const content = randomContent('paused', 20 * MIB);
    const url = await createUpload(a.url, content.length);
    expect((await patch(url, 0, content.subarray(0, 6 * MIB))).status).toBe(204);
    const socket = await openPatch(url, { offset: 6 * MIB, length: 14 * MIB });
    await socket.send(Buffer.alloc(6 * MIB, 'X'));
    a.signal('SIGSTOP');
    try {
      const elsewhere = on(b.url, url);
      expect(await unlockedOffset(elsewhere)).toBe(String(6 * MIB));
      expect((await patch(elsewhere, 6 * MIB, content.subarray(6 * MIB, 15 * MIB))).status).toBe(204);
      a.signal('SIGCONT');
      await socket.send(Buffer.alloc(8 * MIB, 'X')).catch(() => undefined);
      const outcome = await socket.response().then(
        ({ status }) => status,
        () => undefined,
      );
      expect(outcome).not.toBe(204);
      expect(await unlockedOffset(elsewhere)).toBe(String(15 * MIB));
      expect((await patch(url, 15 * MIB, content.subarray(15 * MIB))).status).toBe(204);
      await expectSame(url, content, [a, b]);
    } finally {
      a.signal('SIGCONT');
    }
  });

  it('go on with cold memories after Redis has lost everything', async () => {
    const [a, b] = await Promise.all([startNode(), startNode()]);
    const content = randomContent('empty Redis', 12 * MIB);
    const url = await createUpload(a.url, content.length);
    expect((await patch(url, 0, content.subarray(0, 3 * MIB))).status).toBe(204);
    await redis.signal('SIGKILL');
    expect((await head(url)).status).toBe(423);
    await redis.start();
    expect(await unlockedOffset(on(b.url, url))).toBe(String(3 * MIB));
    expect((await patch(on(b.url, url), 3 * MIB, content.subarray(3 * MIB, 9 * MIB))).status).toBe(204);
    expect(await unlockedOffset(url)).toBe(String(9 * MIB));
    expect((await patch(url, 9 * MIB, content.subarray(9 * MIB))).status).toBe(204);
    await expectSame(url, content, [a, b]);
  });
});
