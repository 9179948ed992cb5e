import { errors } from '@nestjs-tus/core';
import type {
  Claim,
  Durations,
  Leased,
  LeaseMedium,
  LeaseMessage,
  Renewal,
  Taken,
  Use,
} from './lease-medium.js';
import type { LeaseLockerOptions } from './options.js';
import { causeOf, Outage } from './outage.js';
import { within } from './within.js';

/** A `take` on its way. */
export interface TakeCall {
  /** Its answer; rejects with `ERR_STORAGE_UNAVAILABLE` (503), at the latest after `commandTimeout`. */
  readonly inTime: Promise<Taken | Leased>;
  /** Settles as the medium's own promise does, whenever that is. */
  readonly settled: Promise<Taken | Leased>;
}

/**
 * The calls of a medium, as the other parts of a locker make them: each is answered within `commandTimeout`, or rejects with
 * `ERR_STORAGE_UNAVAILABLE` (503). The log and the medium learn of each failure.
 */
export class Calls {
  private readonly outage: Outage;
  private isClosed = false;

  /** @param onAnswer called with every answer that came in time */
  constructor(
    private readonly medium: LeaseMedium,
    private readonly options: LeaseLockerOptions,
    private readonly onAnswer: () => void = () => undefined,
  ) {
    this.outage = new Outage(medium, options);
  }

  open(): Promise<void> {
    return this.inTime(this.medium.open());
  }

  take(claim: Claim, mode: 'wait' | 'try', durations: Durations = this.options): TakeCall {
    const settled = this.medium.take(claim, mode, durations);
    return { settled, inTime: this.inTime(settled) };
  }

  renew(claims: readonly Claim[], durations: Durations = this.options): Promise<readonly Renewal[]> {
    return this.inTime(this.medium.renew(claims, durations));
  }

  release(claim: Claim, use: Use, durations: Durations = this.options): Promise<void> {
    return this.inTime(this.medium.release(claim, use, durations));
  }

  send(message: LeaseMessage): Promise<void> {
    return this.inTime(this.medium.send(message));
  }

  checkSetup(): Promise<string | undefined> {
    return this.inTime(this.medium.checkSetup?.() ?? Promise.resolve(undefined));
  }

  /** Logs an error that the medium reports outside of a call. */
  note(error: unknown): void {
    if (!this.isClosed) this.outage.begin(error);
  }

  /** From now on failures are expected: they are not logged, and the medium does not look for other connections. */
  close(): void {
    this.isClosed = true;
  }

  private async inTime<T>(call: Promise<T>): Promise<T> {
    try {
      const answer = await within(this.options.commandTimeout, call);
      this.outage.end();
      this.onAnswer();
      return answer;
    } catch (error) {
      const cause = causeOf(error);
      if (!this.isClosed) {
        this.outage.begin(error);
        this.medium.callFailed?.(cause);
      }
      throw errors.storageUnavailable(cause);
    }
  }
}
