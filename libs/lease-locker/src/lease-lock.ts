import { errors, type Lock, type RequestRelease } from '@nestjs-tus/core';
import type { Claims, Granted } from './claims.js';
import type { Lease, Leases } from './leases.js';
import type { Place, WaitingLines } from './waiting-lines.js';
import { unlessAborted } from './within.js';

/** What the locks of one locker share. */
export interface SharedParts {
  readonly lines: WaitingLines;
  readonly claims: Claims;
  readonly leases: Leases;
  /** Milliseconds. */
  readonly leaseDuration: number;
}

/** Part of a lease after which a waiter asks again, in case a message was lost. It is spread, so that nodes do not ask in step. */
const ASK_AGAIN_AFTER = 1 / 3;
const SPREAD = 0.25;
/** Milliseconds that a waiter grants to a lease beyond its end, so that the medium has really removed it. */
const BEYOND_LEASE_MS = 10;

/** A lock that is a lease: made by `LeaseLocker.newLock`, and used once. */
export class LeaseLock implements Lock {
  private place?: Place;
  private lease?: Lease;
  private wasAskedEarly = false;
  private holding?: Granted & { lost: AbortController };

  constructor(
    private readonly id: string,
    private readonly shared: SharedParts,
  ) {}

  get token(): string | undefined {
    return this.holding?.token;
  }

  get previousToken(): string | undefined {
    return this.holding?.previousToken;
  }

  get seized(): boolean | undefined {
    return this.holding?.seized;
  }

  get lost(): AbortSignal | undefined {
    return this.holding?.lost.signal;
  }

  async lock(signal: AbortSignal, requestRelease: RequestRelease): Promise<void> {
    this.refuseSecondUse();
    if (signal.aborted) throw errors.fileLocked(signal.reason);
    const place = this.shared.lines.join(this.id);
    this.place = place;
    try {
      await unlessAborted(signal, place.isFirst);
      for (;;) {
        const answer = await this.shared.claims.take(this.id, 'wait', this.asked, signal);
        if ('token' in answer) return this.hold(answer, place, requestRelease);
        await unlessAborted(signal, place.pause(this.pauseFor(answer.leasedFor)));
      }
    } catch (error) {
      this.leave(place);
      throw error;
    }
  }

  async tryLock(requestRelease: RequestRelease = () => undefined): Promise<boolean> {
    this.refuseSecondUse();
    if (!this.shared.lines.isEmpty(this.id)) return false;
    const place = this.shared.lines.join(this.id);
    this.place = place;
    try {
      const answer = await this.shared.claims.take(this.id, 'try', this.asked);
      if ('token' in answer) {
        this.hold(answer, place, requestRelease);
        return true;
      }
      this.leave(place);
      return false;
    } catch (error) {
      this.leave(place);
      throw error;
    }
  }

  async unlock(): Promise<void> {
    const { lease, place } = this;
    if (!lease || !place) return;
    this.lease = undefined;
    this.shared.claims.forget(lease.nonce);
    // Also when it was lost: the medium may still have it, and others need not wait for its end.
    await this.shared.leases.release(lease, 'done');
    this.leave(place);
  }

  async isHeld(): Promise<boolean> {
    return this.lease !== undefined && this.shared.leases.confirm(this.lease);
  }

  private hold(granted: Granted, place: Place, requestRelease: RequestRelease): void {
    const holding = { ...granted, lost: new AbortController() };
    const lease: Lease = {
      id: this.id,
      nonce: granted.nonce,
      since: granted.since,
      // In a microtask: what it throws must not stop the renewal of other leases.
      ask: (reason) => queueMicrotask(() => requestRelease(reason)),
      lose: (cause) => {
        this.shared.claims.forget(granted.nonce);
        // The next request in this process need not wait until this one has noticed.
        this.shared.lines.leave(place);
        holding.lost.abort(cause);
      },
    };
    this.holding = holding;
    this.lease = lease;
    this.shared.leases.add(lease);
    this.shared.lines.hold(place, requestRelease);
    if (this.wasAskedEarly) lease.ask();
  }

  /** Another node wants the lock. That message may come before the answer that says that the lock is held. */
  private readonly asked = (): void => {
    if (this.lease) this.lease.ask();
    else this.wasAskedEarly = true;
  };

  private pauseFor(leasedFor: number): number {
    const spread = 1 - SPREAD + 2 * SPREAD * Math.random();
    const askAgain = this.shared.leaseDuration * ASK_AGAIN_AFTER * spread;
    return Math.min(askAgain, Math.max(0, leasedFor) + BEYOND_LEASE_MS * (1 + Math.random()));
  }

  private leave(place: Place): void {
    this.shared.lines.leave(place);
    if (this.place === place) this.place = undefined;
  }

  private refuseSecondUse(): void {
    if (this.place)
      throw new Error('This lock is held or waited for already; make another one with newLock().');
  }
}
