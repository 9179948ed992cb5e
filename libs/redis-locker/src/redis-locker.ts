import { randomBytes } from 'node:crypto';
import {
  ErrStorageUnavailable,
  hasCode,
  type Locker,
  type StoreComposer,
  type TryableLock,
} from '@nestjs-tus/core';
import { Claims } from './claims.js';
import { Connection } from './connection.js';
import { Leases } from './leases.js';
import { type RedisLockerOptions, resolveOptions } from './options.js';
import { misconfigurationOf, rehearse } from './rehearsal.js';
import { RedisLock, type Surroundings } from './redis-lock.js';
import { WaitingLines } from './waiting-lines.js';

/**
 * Exclusive locks for any number of processes on any number of hosts that share a Redis: one server, Sentinel or Cluster.
 * A lock is a lease that is renewed while its holder lives. Whoever waits is woken by a message; a holder that dies blocks
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
  private readonly connection: Connection;
  private readonly shared: Surroundings;
  private readonly rehearse: () => Promise<void>;

  /** @throws TypeError when an option is wrong; its text says what to write instead */
  constructor(options: RedisLockerOptions = {}) {
    const resolved = resolveOptions(options);
    // Names this locker in Redis, and the channel where it hears messages.
    const node = randomBytes(8).toString('hex');
    const channels = `${resolved.prefix}:node:`;
    const connection = new Connection(resolved, channels + node, {
      onMessage: (message) => this.hear(message),
      onFresh: () => this.listenAnew(),
    });
    const leases = new Leases(connection, resolved, node, channels);
    this.connection = connection;
    this.rehearse = () => rehearse(connection, resolved.prefix, node, channels);
    this.shared = {
      leases,
      lines: new WaitingLines(),
      claims: new Claims(connection, leases, resolved, node, channels),
      leaseDuration: resolved.leaseDuration,
    };
  }

  /** Makes this the locker of `composer`. */
  useIn(composer: StoreComposer): void {
    composer.useLocker(this);
  }

  /** @throws TypeError when `id` is empty */
  newLock(id: string): TryableLock {
    if (id === '') throw new TypeError('A lock needs an id.');
    return new RedisLock(id, this.shared);
  }

  /**
   * Makes sure that Redis lets this locker do what locks need. One that does not answer is waited for: uploads are refused meanwhile, and
   * the `logger` is told.
   * @throws Error that says what to change, when Redis refuses user, password, database or a command
   */
  async init(): Promise<void> {
    try {
      await this.connect();
      await this.rehearse();
    } catch (error) {
      if (!hasCode(error, ErrStorageUnavailable)) throw error;
      const text = misconfigurationOf((error as Error).cause);
      if (text) throw new Error(text, { cause: error });
    }
  }

  /**
   * Connects now instead of at the first use: for a start that should fail when Redis cannot be reached.
   * @throws HttpError `ERR_STORAGE_UNAVAILABLE` (503), with what Redis said as its cause
   */
  async connect(): Promise<void> {
    await this.connection.open();
  }

  /** Releases the locks that are held; their holders lose them. Whoever waits is refused. A `client` of the app stays open. */
  async close(): Promise<void> {
    this.shared.claims.close();
    await this.shared.leases.close();
    await this.connection.close();
    this.shared.lines.wake();
  }

  /** Messages may have been missed: whoever waits asks again, and whoever holds learns who asked. */
  private listenAnew(): void {
    this.shared.lines.wake();
    this.shared.leases.renewAll();
  }

  private hear(message: string): void {
    const [, kind, subject = ''] = /^(\w+) (.*)$/s.exec(message) ?? [];
    if (kind === 'free') this.shared.lines.wake(subject);
    if (kind === 'release') this.shared.claims.askToRelease(subject);
  }
}
