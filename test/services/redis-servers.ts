import { execFile } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RedisLockerOptions } from '@nestjs-tus/redis-locker';
import { createClient } from 'redis';

const SCRIPT = join(import.meta.dirname, 'redis.sh');
/** The bus of a cluster node listens 10,000 higher than the node. */
const LOWEST_PORT = 20_000;
const PORTS = 25_000;
const CONSECUTIVE = 6;

export type Topology = 'single' | 'sentinel' | 'cluster' | 'replicated-cluster';

/** Real Redis servers, ended after the tests of this file. */
export interface RedisServers {
  readonly topology: Topology;
  /** Of the single server, the first master, or the first node of the cluster; others follow it (see redis.sh). */
  readonly port: number;
  /** What a RedisLocker needs to find them. */
  readonly options: RedisLockerOptions;
  /** Sends a signal to the server on a port; SIGKILL forgets everything, as nothing is persistent. */
  signal(name: NodeJS.Signals, port?: number): Promise<void>;
  /** Starts them, or the single server again after its end. Resolves when they answer. */
  start(): Promise<void>;
  /** Starts one server of `sentinel` again. */
  startAgain(port: number): Promise<void>;
  /** Asks a server on a port. */
  ask(args: string[], port?: number): Promise<string>;
}

const started: { env: NodeJS.ProcessEnv }[] = [];
const run = promisify(execFile);

/** @param settings of the single server, as redis-server has them: `['--tls-port', '7391']` */
export async function startRedis(
  topology: Topology,
  settings: readonly string[] = [],
): Promise<RedisServers> {
  const servers = await reserveRedis(topology, settings);
  await servers.start();
  return servers;
}

/** As `startRedis`, but not started yet. */
export async function reserveRedis(
  topology: Topology,
  settings: readonly string[] = [],
): Promise<RedisServers> {
  const port = await freePorts();
  // Removed by the script when it has stopped the servers: it needs their process ids, which are in there.
  const dir = await mkdtemp(join(tmpdir(), 'nestjs-tus-redis-'));
  const env = { ...process.env, REDIS_PORT: String(port), REDIS_DIR: dir };
  started.push({ env });
  const url = `redis://127.0.0.1:${port}`;
  const node = (offset: number) => ({ host: '127.0.0.1', port: port + offset });
  const options: Record<Topology, RedisLockerOptions> = {
    single: { url },
    sentinel: { sentinel: { name: 'm', sentinelRootNodes: [node(2), node(3), node(4)] } },
    cluster: { cluster: { rootNodes: [0, 1, 2].map((offset) => ({ socket: node(offset) })) } },
    'replicated-cluster': { cluster: { rootNodes: [0, 1, 2].map((offset) => ({ socket: node(offset) })) } },
  };
  return {
    topology,
    port,
    options: options[topology],
    async signal(name, at = port) {
      process.kill(Number(await readFile(join(dir, `${at}.pid`), 'utf8')), name);
    },
    async start() {
      await run(SCRIPT, [topology, ...settings], { env });
    },
    async startAgain(at) {
      await run(SCRIPT, ['again', String(at)], { env });
    },
    async ask(args, at = port) {
      const client = createClient({ url: `redis://127.0.0.1:${at}`, socket: { reconnectStrategy: false } });
      // A sentinel cuts the connections of a server that it makes a replica: the command rejects, and says so.
      client.on('error', () => undefined);
      await client.connect();
      try {
        return await client.sendCommand<string>(args);
      } finally {
        if (client.isOpen) client.destroy();
      }
    },
  };
}

afterAll(async () => {
  for (const { env } of started.splice(0)) await run(SCRIPT, ['stop'], { env });
});

/** The first of some ports in a row on which nobody listens. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = LOWEST_PORT + Math.floor(Math.random() * PORTS);
    const free = await Promise.all(
      Array.from({ length: CONSECUTIVE }, (_, offset) => [first + offset, first + offset + 10_000])
        .flat()
        .map(isFree),
    );
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
