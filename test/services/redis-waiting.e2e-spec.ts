import { setTimeout as pause } from 'node:timers/promises';
import { cpuTimeOf } from '../harness/linux-process.js';
import { idOf, on, openPatch, storedInFile } from '../harness/open-patch.js';
import { randomContent } from '../harness/random-content.js';
import { type ServerProcess, startServer } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { createUpload, head, offsetOf } from '../harness/tus-requests.js';
import { startHolder } from './redis-holder.js';
import { type RedisServers, startRedis } from './redis-servers.js';

const WAITERS = 50;
const WAITING_MS = 10_000;
/** The lease of the servers' lockers, in milliseconds. */
const LEASE_MS = 10_000;
const HAND_OVERS = 20;

let redis: RedisServers;
let uploadDir: string;
let nodes: readonly [ServerProcess, ServerProcess];

beforeAll(async () => {
  redis = await startRedis('single');
  uploadDir = await temporaryFolder();
  const start = () =>
    startServer({ uploadDir, flags: ['--locker', 'redis', '--redis-url', String(redis.options.url)] });
  nodes = await Promise.all([start(), start()]);
});

/** Commands that clients have sent since the last reset; what scripts call is not among them. */
async function commandsSent(): Promise<number> {
  const stats = await redis.ask(['INFO', 'commandstats']);
  const fromScripts = [
    'get',
    'set',
    'del',
    'hget',
    'hset',
    'hmget',
    'hdel',
    'sadd',
    'smembers',
    'pexpire',
    'pttl',
    'time',
  ];
  return [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)]
    .filter(([, name = '']) => !fromScripts.includes(name))
    .reduce((sum, [, , calls]) => sum + Number(calls), 0);
}

it('fifty requests that wait on two servers for a holder that does not let go cost next to nothing (T10)', async () => {
  const url = await createUpload(nodes[0].url, 10);
  const holder = await startHolder(redis.options, idOf(url));
  const redisPid = Number((await redis.ask(['INFO', 'server'])).match(/process_id:(\d+)/)?.[1]);
  const waiting = Array.from({ length: WAITERS }, (_, index) => head(on(nodes[index % 2]!.url, url)));
  await holder.said('asked');
  await pause(500);
  const pids = [nodes[0].pid, nodes[1].pid, redisPid];
  await redis.ask(['CONFIG', 'RESETSTAT']);
  const before = await Promise.all(pids.map(cpuTimeOf));
  await pause(WAITING_MS);
  const commands = await commandsSent();
  const used = (await Promise.all(pids.map(cpuTimeOf))).map((time, index) => time - before[index]!);
  console.info(
    `${commands} commands in ${WAITING_MS} ms; CPU ms of two servers and Redis: ${used.join(', ')}`,
  );
  // Each server asks again about every third of a lease, at the soonest every quarter; the holder renews as often. Each of the three sends itself a
  // message every five seconds. And what this test asks.
  expect(commands).toBeLessThanOrEqual(3 * 4.5 * (WAITING_MS / LEASE_MS) + 3 * 3 + 20);
  for (const time of used) expect(time).toBeLessThan(WAITING_MS * 0.05);
  holder.tell('unlock');
  await holder.said('unlocked');
  for (const reply of await Promise.all(waiting)) {
    expect([reply.status, reply.headers['upload-offset']]).toEqual([200, '0']);
  }
});

it('a running PATCH is handed over between two servers in milliseconds (T4)', async () => {
  const content = randomContent('hand-over', 1_000_000);
  const url = await createUpload(nodes[0].url, content.length);
  const times: number[] = [];
  const piece = 10_000;
  for (let round = 0; round < HAND_OVERS; round += 1) {
    const [here, there] = [nodes[round % 2]!, nodes[(round + 1) % 2]!];
    const offset = round * piece;
    const socket = await openPatch(on(here.url, url), { offset, length: content.length - offset });
    await socket.send(content.subarray(offset, offset + piece));
    await storedInFile(uploadDir, url, offset + piece);
    const asked = performance.now();
    expect(await offsetOf(on(there.url, url))).toBe(offset + piece);
    times.push(performance.now() - asked);
    expect((await socket.response()).status).toBe(400);
  }
  times.sort((a, b) => a - b);
  const median = times[HAND_OVERS / 2]!;
  console.info(`hand-over by HEAD: median ${median.toFixed(1)} ms, longest ${times.at(-1)!.toFixed(1)} ms`);
  expect(median).toBeLessThan(100);
});

it('a server that is told to end gives its locks to others at once', async () => {
  const content = randomContent('SIGTERM', 1_000_000);
  const start = () =>
    startServer({ uploadDir, flags: ['--locker', 'redis', '--redis-url', String(redis.options.url)] });
  const ending = await start();
  const url = await createUpload(ending.url, content.length);
  const socket = await openPatch(url, { offset: 0, length: content.length });
  await socket.send(content.subarray(0, 100_000));
  await storedInFile(uploadDir, url, 100_000);
  const ended = ending.stop('SIGTERM');
  expect((await socket.response()).status).toBe(503);
  const asked = performance.now();
  expect(await offsetOf(on(nodes[0].url, url))).toBe(100_000);
  const elapsed = performance.now() - asked;
  console.info(`the next server had the lock ${elapsed.toFixed(1)} ms after the answer`);
  // One that was left behind would be waited for until its lease ends.
  expect(elapsed).toBeLessThan(LEASE_MS / 2);
  expect((await ended).code).toBe(0);
  const keys = await redis.ask(['KEYS', 'tus:lock:*']);
  expect(keys).toEqual([]);
});
