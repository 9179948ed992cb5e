import { randomBytes } from 'node:crypto';
import { errors } from '@nestjs-tus/core';
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
    if (this.isClosed) throw errors.storageUnavailable(new Error(`The ${this.options.name} is closed.`));
    const claim: Claim = { id, nonce: randomBytes(8).toString('hex') };
    const { nonce } = claim;
    // Before the answer is here: the request of another node may come first, as it may take another way.
    this.releaseRequests.set(nonce, requestRelease);
    const since = performance.now();
    const call = this.calls.take(claim, mode);
    try {
      const answer = await (signal ? unlessAborted(signal, call.inTime) : call.inTime);
      if ('token' in answer) return { ...answer, nonce, since };
      this.forget(nonce);
      return answer;
    } catch (error) {
      this.forget(nonce);
      this.releaseWhenSettled(claim, call.settled);
      throw error;
    }
  }

  /** From now on no holder is asked by this nonce. */
  forget(nonce: string): void {
    this.releaseRequests.delete(nonce);
  }

  /** From now on nothing is taken. */
  close(): void {
    this.isClosed = true;
  }

  askToRelease(nonce: string): void {
    this.releaseRequests.get(nonce)?.();
  }

  /** The lock may have been taken, or may be taken later: then no request would know of it, and none would let go. */
  private releaseWhenSettled(claim: Claim, settled: Promise<unknown>): void {
    const release = () => this.leases.release(claim, 'unused');
    void settled.then(release, (error) => (error instanceof NotDone ? undefined : release()));
  }
}
