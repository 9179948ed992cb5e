import { setTimeout as pause } from 'node:timers/promises';
import { FileStore } from '@nestjs-tus/file-store';
import { RedisLocker } from '@nestjs-tus/redis-locker';
import { Upload } from 'tus-js-client';
import { eventually } from '../harness/eventually.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { on } from '../harness/open-patch.js';
import { randomContent, randomNumbers, sha256 } from '../harness/random-content.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { download } from '../harness/tus-requests.js';
import { type RedisServers, startRedis } from './redis-servers.js';

const UPLOADS = 12;
const CHUNK = 20_000;
const FAILOVER_MS = 60_000;

let redis: RedisServers;
let nodes: InProcessServer[];
const lockers: RedisLocker[] = [];

beforeAll(async () => {
  redis = await startRedis('sentinel');
  const directory = await temporaryFolder();
  const start = () => {
    const locker = new RedisLocker({ ...redis.options, leaseDuration: 3_000 });
    lockers.push(locker);
    return startInProcess({ store: new FileStore({ directory }), locker });
  };
  nodes = await Promise.all([start(), start()]);
});
afterAll(() => Promise.all(lockers.map((locker) => locker.close())));

/** The master, as a sentinel sees it. */
async function master(): Promise<number> {
  const [, port] = (await redis.ask(
    ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'm'],
    redis.port + 2,
  )) as unknown as string[];
  return Number(port);
}

const isReplicaOf = async (replica: number, of: number) => {
  const info = await redis.ask(['INFO', 'replication'], replica).catch(() => '');
  return (
    info.includes('role:slave') &&
    info.includes(`master_port:${of}`) &&
    info.includes('master_link_status:up')
  );
};

it('uploads that run on two nodes live through two failovers in a row, the second one back to the first master', async () => {
  const random = randomNumbers('sentinel');
  const either = () => nodes[random() < 0.5 ? 0 : 1]!;
  let isOver = false;
  const heads: number[] = [];
  const uploading = Promise.all(
    Array.from({ length: UPLOADS }, async (_, index) => {
      const content = randomContent(`sentinel ${index}`, 60 * CHUNK);
      let creations = 0;
      const url = await new Promise<string>((resolve, reject) => {
        const upload: Upload = new Upload(content, {
          endpoint: either().url,
          chunkSize: CHUNK,
          retryDelays: Array<number>(400).fill(100),
          onBeforeRequest: async (request) => {
            const underlying = request as unknown as { _url: string };
            underlying._url = on(either().url, underlying._url);
            // Goes on until both failovers are over: each of them hits somebody.
            if (!isOver) await pause(300);
          },
          onAfterResponse: (request, response) => {
            if (request.getMethod() === 'POST') creations += 1;
            if (request.getMethod() === 'HEAD') heads.push(response.getStatus());
          },
          onError: reject,
          onSuccess: () => resolve(upload.url ?? ''),
        });
        upload.start();
      });
      expect(creations).toBe(1);
      return { url, content };
    }),
  );

  const first = redis.port;
  const second = redis.port + 1;
  for (const [from, to] of [
    [first, second],
    [second, first],
  ] as const) {
    await pause(1_000);
    expect(await master()).toBe(from);
    await redis.signal('SIGKILL', from);
    await eventually('the other one is master', async () => (await master()) === to, FAILOVER_MS);
    await pause(1_000);
    await redis.startAgain(from);
    await eventually('the former one follows', () => isReplicaOf(from, to), FAILOVER_MS);
  }
  isOver = true;
  for (const { url, content } of await uploading) {
    for (const node of nodes) {
      const reply = await download(on(node.url, url));
      expect([reply.status, sha256(reply.body)]).toEqual([200, sha256(content)]);
    }
  }
  console.info(`${heads.length} HEADs, ${heads.filter((status) => status === 423).length} of them 423`);
  expect(heads.filter((status) => status !== 200 && status !== 423)).toEqual([]);
  expect(heads.length).toBeGreaterThan(0);
}, 240_000);
