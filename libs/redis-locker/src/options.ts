import {
  checkOptions,
  type OptionKind,
  optionKinds,
  type OptionTable,
  type TusLogger,
} from '@nestjs-tus/core';
import type { RedisClusterOptions, RedisSentinelOptions } from 'redis';

/** What a RedisLocker is made with. At most one of `url`, `client`, `sentinel` and `cluster`. */
export interface RedisLockerOptions {
  /** One server: `redis://[[user]:password@]host[:port][/database]`, `rediss://` for TLS. Default redis://127.0.0.1:6379. */
  url?: string;
  /**
   * A client of node-redis that the app has already: from `createClient`, `createSentinel` or `createCluster`. It is
   * connected when it is not, and stays open after `close()`. Messages are heard on a duplicate of one from `createClient`, on the
   * others themselves. When it gets stuck, the app has to replace it.
   */
  client?: RedisConnection;
  /** Options of node-redis' `createSentinel`; the locker follows the master. */
  sentinel?: RedisSentinelOptions;
  /** Options of node-redis' `createCluster`. */
  cluster?: RedisClusterOptions;
  /** Begins the names of all keys and channels. Default `tus`. Those who share uploads must share it. */
  prefix?: string;
  /**
   * Milliseconds for which a lock outlives a holder that died or is cut off from Redis; renewed three times in that
   * time. At least 300; default 10,000. Processes may differ in it.
   */
  leaseDuration?: number;
  /**
   * Milliseconds after which a command without an answer means that Redis is gone. At most half the lease, or no renewal could be tried
   * again; default a quarter of it, 150 to 2,000.
   */
  commandTimeout?: number;
  /**
   * Milliseconds for which Redis remembers who held an upload last, after its last use. Longer than the lease;
   * default 86,400,000 (a day). About 310 bytes of Redis' memory an upload.
   */
  rememberFor?: number;
  /** Gets a line when Redis goes away or refuses, and one when it is back. Default: silence. */
  logger?: Pick<TusLogger, 'warn' | 'log'>;
}

/** What the locker needs of a client of node-redis. Those of `createClient`, `createSentinel` and `createCluster` have it. */
export interface RedisConnection {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  publish(channel: string, message: string): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => unknown): unknown;
  unsubscribe(channel: string): unknown;
  duplicate(): RedisConnection;
  destroy(): unknown;
  on(event: string, listener: (...parameters: unknown[]) => void): unknown;
  off(event: string, listener: (...parameters: unknown[]) => void): unknown;
}

/** All options with their defaults. */
export type ResolvedOptions = RedisLockerOptions &
  Required<Pick<RedisLockerOptions, 'prefix' | 'leaseDuration' | 'commandTimeout' | 'rememberFor'>>;

const OWNER = 'RedisLocker: ';

/** A holder needs some ticks of the renewal's clock within its lease. */
const MIN_LEASE_MS = 300;
const DEFAULT_LEASE_MS = 10_000;
const DAY_MS = 86_400_000;
/** What a timer of Node can wait for. */
const MAX_MS = 2 ** 31 - 1;

const WAYS = ['url', 'client', 'sentinel', 'cluster'] as const;
const METHODS = [
  'connect',
  'evalSha',
  'eval',
  'publish',
  'subscribe',
  'unsubscribe',
  'duplicate',
  'on',
] as const;

const TABLE: OptionTable<RedisLockerOptions> = {
  // The text is not repeated: it may hold a password.
  url: optionKinds.secret(
    optionKinds.textOf('a URL such as redis://host:6379 or rediss://user:password@host:6379/0', isRedisUrl),
  ),
  client: optionKinds.withMethods(
    'a client from createClient, createSentinel or createCluster of the "redis" package (node-redis)',
    METHODS,
  ),
  sentinel: optionKinds.kindOf(
    "node-redis' options for createSentinel, an object with a name and sentinelRootNodes",
    (value) => hasNodes(value, 'sentinelRootNodes'),
  ),
  cluster: optionKinds.kindOf("node-redis' options for createCluster, an object with rootNodes", (value) =>
    hasNodes(value, 'rootNodes'),
  ),
  prefix: optionKinds.textOf("text without braces and spaces, e.g. 'tus'", (text) => /^[^{}\s]+$/.test(text)),
  leaseDuration: milliseconds(MIN_LEASE_MS),
  commandTimeout: milliseconds(1),
  rememberFor: milliseconds(1),
  logger: optionKinds.withMethods('an object with the methods warn and log, such as a Logger of Nest', [
    'warn',
    'log',
  ]),
};

/** @throws TypeError that says which option is wrong and what to write instead */
export function resolveOptions(given: RedisLockerOptions): ResolvedOptions {
  const options = checkOptions<RedisLockerOptions>(given, TABLE, {
    owner: OWNER,
    example: "new RedisLocker({ url: 'redis://127.0.0.1:6379' })",
  });
  const ways = WAYS.filter((way) => options[way] !== undefined);
  if (ways.length > 1)
    throw new TypeError(`${OWNER}there are ${ways.join(' and ')}: write one of ${WAYS.join(', ')}`);
  const { prefix = 'tus', leaseDuration = DEFAULT_LEASE_MS } = options;
  const {
    commandTimeout = Math.round(Math.min(2_000, Math.max(MIN_LEASE_MS / 2, leaseDuration / 4))),
    rememberFor = Math.min(MAX_MS, Math.max(DAY_MS, 2 * leaseDuration)),
  } = options;
  // Both hang together with the lease.
  return checkOptions<ResolvedOptions>(
    { ...options, prefix, leaseDuration, commandTimeout, rememberFor },
    {
      ...TABLE,
      commandTimeout: milliseconds(1, Math.floor(leaseDuration / 2)),
      rememberFor: milliseconds(Math.min(MAX_MS, leaseDuration + 1)),
    },
    { owner: OWNER },
  );
}

function milliseconds(least: number, most = MAX_MS): OptionKind {
  return optionKinds.wholeNumber({ unit: 'milliseconds', least, most });
}

function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, pathname } = new URL(text);
  return /^rediss?:$/.test(protocol) && /^\/?\d*$/.test(pathname);
}

/** What else is in them is node-redis' own. */
function hasNodes(value: unknown, member: string): boolean {
  return (
    typeof value === 'object' && value !== null && Array.isArray((value as Record<string, unknown>)[member])
  );
}
