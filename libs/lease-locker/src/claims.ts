import { randomBytes } from 'node:crypto';
import { errors, type HttpError } from '@nestjs-tus/core';
import type { Calls } from './calls.js';
import { type Claim, type Leased, NotDone, type Taken } from './lease-medium.js';
import type { Leases } from './leases.js';
import type { LeaseLockerOptions } from './options.js';
import { unlessAborted } from './within.js';

/** The lock is held now, since `since` by this process' monotonic clock. */
export interface Granted extends Taken {
  readonly nonce: string;
  readonly since: number;
}

/** Takes locks for this node, and keeps the holders that are asked when another node wants one. */
export class Claims {
  private readonly releaseRequests = new Map<string, () => void>();
  private readonly running = new Set<Promise<unknown>>();
  private isClosed = false;

  constructor(
    private readonly calls: Pick<Calls, 'take'>,
    private readonly leases: Pick<Leases, 'release'>,
    private readonly options: Pick<LeaseLockerOptions, 'name'>,
  ) {}

  /**
   * Takes the lock if it is free. With `wait`, the holder is asked to let go, and this node gets a message when it has.
   *
   * @param requestRelease is called when another node asks for the lock, until `forget`
   * @throws HttpError `ERR_STORAGE_UNAVAILABLE` (503); `ERR_UPLOAD_LOCKED` (423) when `signal` aborts
   */
  async take(
    id: string,
    mode: 'wait' | 'try',
    requestRelease: () => void,
    signal?: AbortSignal,
  ): Promise<Granted | Leased> {
    if (this.isClosed) throw this.closed();
    const attempt = this.attempt(id, mode, requestRelease, signal);
    this.running.add(attempt);
    try {
      return await attempt;
    } finally {
      this.running.delete(attempt);
    }
  }

  /** From now on no holder is asked by this nonce. */
  forget(nonce: string): void {
    this.releaseRequests.delete(nonce);
  }

  /** From now on nothing is taken. Resolves when what is being taken has been released. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.allSettled(this.running);
  }

  askToRelease(nonce: string): void {
    this.releaseRequests.get(nonce)?.();
  }

  private async attempt(
    id: string,
    mode: 'wait' | 'try',
    requestRelease: () => void,
    signal?: AbortSignal,
  ): Promise<Granted | Leased> {
    const claim: Claim = { id, nonce: randomBytes(8).toString('hex') };
    // Before the answer is here: the request of another node may come first, as it may take another way.
    this.releaseRequests.set(claim.nonce, requestRelease);
    const since = performance.now();
    const call = this.calls.take(claim, mode);
    try {
      const answer = await (signal ? unlessAborted(signal, call.inTime) : call.inTime);
      const isTaken = 'token' in answer;
      if (isTaken && !this.isClosed) return { ...answer, nonce: claim.nonce, since };
      this.forget(claim.nonce);
      if (!isTaken) return answer;
    } catch (error) {
      this.forget(claim.nonce);
      this.releaseWhenSettled(claim, call.settled);
      throw error;
    }
    await this.leases.release(claim, 'unused');
    throw this.closed();
  }

  /** The lock may have been taken, or may be taken later: then no request would know of it, and none would let go. */
  private releaseWhenSettled(claim: Claim, settled: Promise<unknown>): void {
    const release = () => this.leases.release(claim, 'unused');
    void settled.then(release, (error) => (error instanceof NotDone ? undefined : release()));
  }

  private closed(): HttpError {
    return errors.storageUnavailable(new Error(`The ${this.options.name} is closed.`));
  }
}
