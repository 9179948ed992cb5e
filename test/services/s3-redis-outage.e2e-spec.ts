import { setTimeout as pause } from 'node:timers/promises';
import { ListPartsCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { Upload } from 'tus-js-client';
import { eventually } from '../harness/eventually.js';
import { on, openPatch } from '../harness/open-patch.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { type ServerProcess, startServer } from '../harness/server-process.js';
import {
  create,
  createUpload,
  download,
  head,
  OFFSET_STREAM,
  patch,
  send,
  terminate,
} from '../harness/tus-requests.js';
import { Ceph } from './ceph.js';
import { type RedisServers, startRedis } from './redis-servers.js';

const MIB = 1024 * 1024;
const OUTAGE_MS = 15_000;
/** As tus-js-client's own documentation has them: they last longer than the outage. */
const RETRY_DELAYS = [0, 3_000, 5_000, 10_000, 20_000];

let ceph: Ceph;
let redis: RedisServers;
let bucket: string;
let nodes: readonly [ServerProcess, ServerProcess];

beforeAll(async () => {
  [ceph, redis] = await Promise.all([Ceph.start(), startRedis('single')]);
  bucket = await ceph.newBucket();
  nodes = await Promise.all([startNode(), startNode()]);
});
afterAll(() => ceph.stop());

const startNode = (): Promise<ServerProcess> =>
  startServer({
    environment: ceph.environment(),
    flags: [
      ...['--store', 's3', '--s3-bucket', bucket, '--s3-endpoint', ceph.endpoint],
      ...['--locker', 'redis', '--redis-url', String(redis.options.url)],
    ],
  });

/** The offset, once HEAD is no longer 423. */
const unlockedOffset = (url: string): Promise<string> =>
  eventually(
    'HEAD is no longer answered 423',
    async () => {
      const reply = await head(url);
      expect([200, 423]).toContain(reply.status);
      return reply.status === 200 ? String(reply.headers['upload-offset']) : undefined;
    },
    60_000,
  );

describe('while Redis is gone', () => {
  let finished: string;
  let begun: string;

  beforeAll(async () => {
    finished = await createUpload(nodes[0].url, 5);
    expect((await patch(finished, 0, 'hello')).status).toBe(204);
    begun = await createUpload(nodes[0].url, 5);
    await redis.signal('SIGKILL');
  });
  afterAll(() => redis.start());

  it.each([
    ['a HEAD is answered 423', (url: string) => head(url), 423],
    ['a PATCH is answered 503', (url: string) => patch(url, 0, 'hello'), 503],
    ['a DELETE is answered 503', (url: string) => terminate(url), 503],
    ['a POST with content is answered 503', (url: string) => createWith(new URL('.', url).href), 503],
  ])('%s with Retry-After, on every node', async (_what, ask, status) => {
    for (const node of nodes) {
      const reply = await ask(on(node.url, begun));
      expect([reply.status, reply.headers['retry-after']]).toEqual([status, '1']);
    }
  });

  const createWith = (collection: string) =>
    create(collection, { 'Upload-Length': '5', 'Content-Type': OFFSET_STREAM }, 'hello');

  it('what takes no lock goes on: POST without content, GET, OPTIONS', async () => {
    expect((await create(nodes[1].url, { 'Upload-Length': '5' })).status).toBe(201);
    for (const node of nodes) {
      const reply = await download(on(node.url, finished));
      expect([reply.status, reply.body.toString()]).toEqual([200, 'hello']);
      expect((await send('OPTIONS', node.url)).status).toBe(200);
    }
  });
});

describe('when Redis goes away in the middle of a PATCH', () => {
  it.each<NodeJS.Signals>(['SIGKILL', 'SIGSTOP'])(
    'what has arrived is committed before the lease ends (%s)',
    async (signal) => {
      const content = randomContent(`arrived ${signal}`, 40 * MIB);
      const url = await createUpload(nodes[0].url, content.length);
      // Redis may have come back a moment ago.
      expect(await unlockedOffset(url)).toBe('0');
      const socket = await openPatch(url, { offset: 0, length: content.length });
      await socket.send(content.subarray(0, 30 * MIB));
      await eventually('three parts are stored', async () => (await partsOf(url)) === 3);
      await redis.signal(signal);
      try {
        expect((await socket.response()).status).toBe(503);
      } finally {
        if (signal === 'SIGKILL') await redis.start();
        else await redis.signal('SIGCONT');
      }
      const elsewhere = on(nodes[1].url, url);
      const offset = Number(await unlockedOffset(elsewhere));
      console.info(`${offset / MIB} of 30 MiB were kept`);
      expect(offset).toBeGreaterThanOrEqual(24 * MIB);
      expect(offset).toBeLessThanOrEqual(30 * MIB);
      expect((await patch(elsewhere, offset, content.subarray(offset))).status).toBe(204);
      expect(sha256((await download(url)).body)).toBe(sha256(content));
    },
  );

  async function partsOf(url: string): Promise<number> {
    const Key = new URL(url).pathname.split('/').at(-1)!;
    const { Uploads = [] } = await ceph.client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: Key }),
    );
    const [upload] = Uploads;
    if (!upload) return 0;
    const { Parts = [] } = await ceph.client.send(
      new ListPartsCommand({ Bucket: bucket, Key, UploadId: upload.UploadId }),
    );
    return Parts.length;
  }
});

const OUTAGES: Record<string, { begin(): Promise<void>; end(): Promise<void> }> = {
  Redis: { begin: () => redis.signal('SIGKILL'), end: () => redis.start() },
  'Redis, which hangs,': { begin: () => redis.signal('SIGSTOP'), end: () => redis.signal('SIGCONT') },
  'the bucket': { begin: () => ceph.signalGateway('SIGKILL'), end: () => ceph.startGateway() },
  'the bucket, which hangs,': {
    begin: () => ceph.signalGateway('SIGSTOP'),
    end: () => ceph.signalGateway('SIGCONT'),
  },
  both: {
    begin: async () => void (await Promise.all([redis.signal('SIGKILL'), ceph.signalGateway('SIGKILL')])),
    end: async () => void (await Promise.all([redis.start(), ceph.startGateway()])),
  },
};

describe('tus-js-client lives through an outage of 15 s of', () => {
  it.each(Object.entries(OUTAGES))('%s and does not begin again', async (name, { begin, end }) => {
    const content = randomContent(`outage of ${name}`, 24 * MIB);
    const answers: string[] = [];
    let outage: Promise<void> | undefined;
    const suffer = async () => {
      await begin();
      try {
        await pause(OUTAGE_MS);
      } finally {
        await end();
      }
    };
    const url = await new Promise<string>((resolve, reject) => {
      const upload: Upload = new Upload(content, {
        endpoint: nodes[0].url,
        chunkSize: 5 * MIB,
        retryDelays: RETRY_DELAYS,
        onProgress: (sent) => {
          if (sent > 7 * MIB) outage ??= suffer();
        },
        onAfterResponse: (request, response) =>
          void answers.push(`${request.getMethod()} ${response.getStatus()}`),
        onError: reject,
        onSuccess: () => resolve(upload.url ?? ''),
      });
      upload.start();
    });
    await outage;
    console.info(`${name}: ${answers.join(', ')}`);
    expect(answers.filter((answer) => answer.startsWith('POST'))).toEqual(['POST 201']);
    expect(answers.filter((answer) => /^HEAD (?!200|423)/.test(answer))).toEqual([]);
    // A call to a bucket that hangs waits for its answer: then the client sees nothing of the outage.
    if (!name.includes('bucket, which hangs'))
      expect(answers.some((answer) => answer.startsWith('HEAD'))).toBe(true);
    for (const node of nodes) expect(sha256((await download(on(node.url, url))).body)).toBe(sha256(content));
  });
});
