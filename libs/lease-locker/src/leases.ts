import { errors, type HttpError } from '@nestjs-tus/core';
import type { Calls } from './calls.js';
import type { Claim, LeaseMedium, Use } from './lease-medium.js';
import type { LeaseLockerOptions } from './options.js';

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

/** A lock that this process holds. */
export interface Lease extends Claim {
  /** When the call was sent that took it or renewed it last, by `performance.now()`: it lasts at least a lease from then. */
  since: number;
  /** Called, perhaps more than once, when another request wants the lock; with a `reason` when the lease may soon be over. */
  ask(reason?: HttpError): void;
  /** Called when the lease is over, or another claim has it. */
  lose(cause: unknown): void;
}

/** A lock that was let go here, and not yet in the medium. */
interface Unreleased {
  readonly claim: Claim;
  readonly use: Use;
  /** When it was let go, by `performance.now()`. */
  readonly since: number;
}

/**
 * Keeps the leases of this process alive, all by one timer, and gives up those that may be over. Releases again what an
 * earlier attempt could not.
 */
export class Leases {
  private readonly held = new Map<string, Lease>();
  private readonly renewing = new Set<Lease>();
  private readonly unreleased = new Map<string, Unreleased>();
  private timer?: NodeJS.Timeout;
  private isClosed = false;

  constructor(
    private readonly medium: Pick<LeaseMedium, 'name' | 'renewsAtOnce'>,
    private readonly calls: Pick<Calls, 'renew' | 'release'>,
    private readonly options: Pick<LeaseLockerOptions, 'leaseDuration'>,
  ) {}

  add(lease: Lease): void {
    this.held.set(lease.nonce, lease);
    this.keepTime();
  }

  /** Asks the medium, and renews the lease. @throws HttpError `ERR_STORAGE_UNAVAILABLE` (503) when it does not answer */
  async confirm(lease: Lease): Promise<boolean> {
    this.giveUpIfOver(lease);
    if (!this.held.has(lease.nonce)) return false;
    await this.renew([lease]);
    // The answer may have come after a pause of this process.
    this.giveUpIfOver(lease);
    return this.held.has(lease.nonce);
  }

  /**
   * Releases a lock. When the medium does not answer, it is tried again until the lease is over anyway. Never rejects.
   */
  async release({ id, nonce }: Claim, use: Use): Promise<void> {
    this.held.delete(nonce);
    const unreleased = { claim: { id, nonce }, use, since: performance.now() };
    this.unreleased.set(nonce, unreleased);
    await this.tryToRelease(unreleased);
  }

  /** Releases everything; the holders learn it. From now on a release is not tried again. */
  async close(): Promise<void> {
    this.isClosed = true;
    const leases = [...this.held.values()];
    for (const lease of leases) this.lose(lease, new Error('the locker was closed'));
    await Promise.all(leases.map((lease) => this.release(lease, 'working')));
    this.unreleased.clear();
    this.stopTime();
  }

  /** Renews all at once: messages may have been missed, and the answers say which holders were asked to let go. */
  renewAll(): void {
    this.renewOlderThan(0);
  }

  private async tryToRelease({ claim, use }: Unreleased): Promise<void> {
    try {
      await this.calls.release(claim, use);
      this.unreleased.delete(claim.nonce);
    } catch {
      // The outage has been logged. The next tick tries again.
      this.keepTime();
    }
  }

  private keepTime(): void {
    if (this.isClosed) return;
    this.timer ??= setInterval(() => this.tick(), this.options.leaseDuration / TICKS).unref();
  }

  private stopTime(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private tick(): void {
    for (const lease of this.held.values()) {
      this.giveUpIfOver(lease);
      if (this.age(lease) >= IN_DANGER_AFTER) this.warn(lease);
    }
    this.renewOlderThan(RENEW_AFTER);
    for (const unreleased of this.unreleased.values()) {
      if (this.age(unreleased) > 1) this.unreleased.delete(unreleased.claim.nonce);
      else void this.tryToRelease(unreleased);
    }
    if (this.held.size === 0 && this.unreleased.size === 0) this.stopTime();
  }

  /** @param age in leases */
  private renewOlderThan(age: number): void {
    const due = [...this.held.values()].filter(
      (lease) => this.age(lease) >= age && !this.renewing.has(lease),
    );
    const size = this.medium.renewsAtOnce;
    for (let start = 0; start < due.length; start += size) {
      // A renewal that fails is tried again at the next tick, until the lease is over.
      this.renew(due.slice(start, start + size)).catch(() => undefined);
    }
  }

  private async renew(leases: Lease[]): Promise<void> {
    for (const lease of leases) this.renewing.add(lease);
    try {
      const sent = performance.now();
      const answers = await this.calls.renew(leases);
      leases.forEach((lease, index) => {
        const answer = answers[index];
        if (answer === 'lost') {
          return this.lose(lease, new Error(`${this.medium.name} has another holder, or none`));
        }
        lease.since = Math.max(lease.since, sent);
        if (answer === 'wanted' && this.held.has(lease.nonce)) lease.ask();
      });
    } finally {
      for (const lease of leases) this.renewing.delete(lease);
    }
  }

  /** The holder's own clock decides, for the medium may be out of reach, or this process may have been paused. */
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
  private age({ since }: { readonly since: number }): number {
    return (performance.now() - since) / this.options.leaseDuration;
  }
}
