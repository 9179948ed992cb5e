import type { Locker, StoreComposer, TryableLock } from '@nestjs-tus/core';
import { LeaseLocker } from '@nestjs-tus/lease-locker';
import { type RedisLockerOptions, resolveOptions } from './options.js';
import { RedisMedium } from './redis-medium.js';

/**
 * Exclusive locks for any number of processes on any number of hosts that share a Redis: one server, Sentinel or Cluster.
 * A lock is a lease that is renewed while its holder lives. A waiter is woken by a message; a holder that dies blocks
 * others for one lease. docs/decisions/redis-locker.md says what is safe, and why.
 *
 * While Redis is gone, `lock` and `tryLock` reject with `ERR_STORAGE_UNAVAILABLE` (503), and locks that are held are lost
 * before their leases end. It connects at the first use, and again by itself.
 *
 * @example
 * new RedisLocker({ url: 'redis://127.0.0.1:6379' }).useIn(composer);
 * new RedisLocker({ sentinel: { name: 'main', sentinelRootNodes: [{ host: 's1', port: 26379 }] } });
 * new RedisLocker({ cluster: { rootNodes: [{ url: 'redis://c1:6379' }] } });
 */
export class RedisLocker implements Locker {
  readonly spansProcesses = true;
  private readonly leases: LeaseLocker;

  /** @throws TypeError when an option is wrong; its text says what to write instead */
  constructor(options: RedisLockerOptions = {}) {
    const resolved = resolveOptions(options);
    this.leases = new LeaseLocker(new RedisMedium(resolved), { ...resolved, name: 'RedisLocker' });
  }

  /** Makes this the locker of `composer`. */
  useIn(composer: StoreComposer): void {
    composer.useLocker(this);
  }

  /** @throws TypeError when `id` is empty */
  newLock(id: string): TryableLock {
    return this.leases.newLock(id);
  }

  /**
   * Makes sure that Redis lets this locker do what locks need. A Redis that does not answer is waited for: uploads are refused
   * meanwhile, and the `logger` gets a line.
   * @throws Error that says what to change, when Redis refuses user, password, database or a command
   */
  async init(): Promise<void> {
    await this.leases.init();
  }

  /**
   * Connects now instead of at the first use: for a start that should fail when Redis cannot be reached.
   * @throws HttpError `ERR_STORAGE_UNAVAILABLE` (503), with what Redis said as its cause
   */
  async connect(): Promise<void> {
    await this.leases.connect();
  }

  /** Releases the locks that are held; their holders lose them. Requests that wait are refused. A `client` of the app stays open. */
  async close(): Promise<void> {
    await this.leases.close();
  }
}
