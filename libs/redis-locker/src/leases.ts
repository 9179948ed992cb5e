import { errors, type HttpError } from '@nestjs-tus/core';
import type { Connection } from './connection.js';
import type { ResolvedOptions } from './options.js';
import { RELEASE, RENEW } from './scripts.js';

/** Ticks of the renewal's clock in the time of one lease. */
const TICKS = 10;
/** Part of a lease after which it is renewed. */
const RENEW_AFTER = 1 / 3;
/**
 * Part of a lease after which a holder that could not renew it is asked to commit what it has, and to let go. Until then one
 * renewal may go unanswered.
 */
const IN_DANGER_AFTER = 0.6;
/**
 * Part of a lease after which a holder that could not renew it gives up. What is left covers one tick, the time in which
 * the holder stops, and clocks that do not run alike.
 */
const LOST_AFTER = 0.8;
/** Leases that one script renews, so that others get their turn in between. In a cluster each has a slot of its own. */
const BATCH = 200;

/** A lock that this process holds. */
export interface Lease {
  readonly id: string;
  /** Names this holding in Redis; never used again. */
  readonly nonce: string;
  /** When the script was sent that took it or renewed it last, by `performance.now()`: it lasts at least a lease from then. */
  since: number;
  /** Called, perhaps more than once, when somebody else wants the lock; with a `reason` when it may soon be over. */
  ask(reason?: HttpError): void;
  /** Called when the lease is over, or somebody else's. */
  lose(cause: unknown): void;
}

/** A lock that Redis has still to be told of. */
interface Unreleased extends Pick<Lease, 'id' | 'nonce' | 'since'> {
  readonly use: Use;
}

/**
 * How a lock was used when it is let go: its holder is done; nobody has worked under it, as it was, or may have been, taken
 * for a caller who no longer wanted it; or somebody may still be working.
 */
export type Use = 'done' | 'unused' | 'working';

/** Names of Redis' keys for one id; the braces put them into one slot of a cluster. */
export function keysOf(prefix: string, id: string): [lock: string, last: string, waiting: string] {
  const tag = `{${encodeURIComponent(id)}}`;
  return [`${prefix}:lock:${tag}`, `${prefix}:last:${tag}`, `${prefix}:waiting:${tag}`];
}

/**
 * Keeps the leases of this process alive, all by one timer, and gives up those that may be over. Lets go of what an
 * earlier attempt could not.
 */
export class Leases {
  private readonly held = new Map<string, Lease>();
  private readonly renewing = new Set<Lease>();
  private readonly unreleased = new Map<string, Unreleased>();
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly connection: Connection,
    private readonly options: ResolvedOptions,
    private readonly node: string,
    private readonly channels: string,
  ) {}

  add(lease: Lease): void {
    this.held.set(lease.nonce, lease);
    this.keepTime();
  }

  /** Asks Redis, and renews the lease. @throws HttpError `ERR_STORAGE_UNAVAILABLE` (503) when it does not answer */
  async confirm(lease: Lease): Promise<boolean> {
    this.giveUpIfOver(lease);
    if (!this.held.has(lease.nonce)) return false;
    await this.renew([lease]);
    // The answer may have come after a pause of this process.
    this.giveUpIfOver(lease);
    return this.held.has(lease.nonce);
  }

  /**
   * Lets go of a lock. When Redis does not answer, it is tried again until the lease is over anyway. Never rejects.
   */
  async release({ id, nonce }: Pick<Lease, 'id' | 'nonce'>, use: Use): Promise<void> {
    this.held.delete(nonce);
    const unreleased = { id, nonce, use, since: performance.now() };
    this.unreleased.set(nonce, unreleased);
    await this.tryToRelease(unreleased);
  }

  /** Lets go of everything; the holders learn it. */
  async close(): Promise<void> {
    const leases = [...this.held.values()];
    for (const lease of leases) this.lose(lease, new Error('the locker was closed'));
    await Promise.all(leases.map((lease) => this.release(lease, 'working')));
    this.unreleased.clear();
    this.stopTime();
  }

  private async tryToRelease({ id, nonce, use }: Unreleased): Promise<void> {
    const { prefix, rememberFor } = this.options;
    const parameters = [this.node, nonce, rememberFor, this.channels, id, use];
    try {
      await this.connection.run(RELEASE, keysOf(prefix, id), parameters);
      this.unreleased.delete(nonce);
    } catch {
      // The connection has told the operator. The next tick tries again.
      this.keepTime();
    }
  }

  private keepTime(): void {
    this.timer ??= setInterval(() => this.tick(), this.options.leaseDuration / TICKS).unref();
  }

  private stopTime(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Renews all at once: messages may have been missed, and the answers tell who was asked to let go. */
  renewAll(): void {
    this.renewOlderThan(0);
  }

  private tick(): void {
    for (const lease of this.held.values()) {
      this.giveUpIfOver(lease);
      if (this.age(lease) >= IN_DANGER_AFTER) this.warn(lease);
    }
    this.renewOlderThan(RENEW_AFTER);
    for (const lease of this.unreleased.values()) {
      if (this.age(lease) > 1) this.unreleased.delete(lease.nonce);
      else void this.tryToRelease(lease);
    }
    if (this.held.size === 0 && this.unreleased.size === 0) this.stopTime();
  }

  /** @param age in leases */
  private renewOlderThan(age: number): void {
    const due = [...this.held.values()].filter(
      (lease) => this.age(lease) >= age && !this.renewing.has(lease),
    );
    const size = this.connection.isCluster ? 1 : BATCH;
    for (let start = 0; start < due.length; start += size) {
      // A renewal that fails is tried again at the next tick, until the lease is over.
      this.renew(due.slice(start, start + size)).catch(() => undefined);
    }
  }

  private async renew(leases: Lease[]): Promise<void> {
    for (const lease of leases) this.renewing.add(lease);
    try {
      const { prefix, leaseDuration, rememberFor } = this.options;
      const sent = performance.now();
      const answers = await this.connection.run(
        RENEW,
        leases.flatMap(({ id }) => keysOf(prefix, id).slice(0, 2)),
        [leaseDuration, rememberFor, ...leases.map(({ nonce }) => `${this.node} ${nonce}`)],
      );
      leases.forEach((lease, index) => {
        const answer = Number((answers as unknown[])[index]);
        if (answer === 0) return this.lose(lease, new Error('Redis has another holder, or none'));
        lease.since = Math.max(lease.since, sent);
        if (answer === 2 && this.held.has(lease.nonce)) lease.ask();
      });
    } finally {
      for (const lease of leases) this.renewing.delete(lease);
    }
  }

  /** The holder's own clock decides, for Redis may be out of reach, or this process may have been paused. */
  private giveUpIfOver(lease: Lease): void {
    if (this.age(lease) >= LOST_AFTER) this.lose(lease, new Error('the lease could not be renewed in time'));
  }

  private warn(lease: Lease): void {
    if (this.held.has(lease.nonce))
      lease.ask(errors.storageUnavailable(new Error('the lease cannot be renewed')));
  }

  private lose(lease: Lease, cause: unknown): void {
    if (this.held.delete(lease.nonce)) lease.lose(errors.lockLost(cause));
  }

  /** In leases. */
  private age({ since }: Pick<Lease, 'since'>): number {
    return (performance.now() - since) / this.options.leaseDuration;
  }
}
