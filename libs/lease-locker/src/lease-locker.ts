import { ErrStorageUnavailable, hasCode, type Locker } from '@nestjs-tus/core';
import { Calls } from './calls.js';
import { Claims } from './claims.js';
import { LeaseLock, type SharedParts } from './lease-lock.js';
import type { LeaseMedium, LeaseMessage } from './lease-medium.js';
import { Leases } from './leases.js';
import { MessageCheck } from './message-check.js';
import type { LeaseLockerOptions } from './options.js';
import { rehearse } from './rehearsal.js';
import { WaitingLines } from './waiting-lines.js';

/**
 * Exclusive locks for any number of processes that share a medium. A lock is a lease that is renewed while its holder lives. A waiter
 * is woken by a message; a holder that dies blocks others for one lease. docs/decisions/redis-locker.md says what is safe, and why.
 *
 * While the medium is gone, `lock` and `tryLock` reject with `ERR_STORAGE_UNAVAILABLE` (503), and locks that are held are lost
 * before their leases end.
 *
 * @example
 * const locker = new LeaseLocker(new MyMedium(), {
 *   name: 'MyLocker', leaseDuration: 10_000, commandTimeout: 2_000, rememberFor: 86_400_000,
 * });
 */
export class LeaseLocker implements Locker {
  readonly spansProcesses = true;
  private readonly calls: Calls;
  private readonly messageCheck: MessageCheck;
  private readonly shared: SharedParts;

  constructor(
    private readonly medium: LeaseMedium,
    private readonly options: LeaseLockerOptions,
  ) {
    this.calls = new Calls(medium, options, () => this.messageCheck.start());
    this.messageCheck = new MessageCheck(medium, this.calls, options);
    const leases = new Leases(medium, this.calls, options);
    this.shared = {
      leases,
      lines: new WaitingLines(),
      claims: new Claims(this.calls, leases, options),
      leaseDuration: options.leaseDuration,
    };
    medium.listen({
      onMessage: (message) => this.receive(message),
      onFresh: () => this.askAnew(),
      onError: (error) => this.calls.note(error),
    });
  }

  /** @throws TypeError when `id` is empty */
  newLock(id: string): LeaseLock {
    if (id === '') throw new TypeError('A lock needs an id.');
    return new LeaseLock(id, this.shared);
  }

  /**
   * Makes sure that the medium lets this locker do what locks need. A medium that does not answer is no error: uploads are refused
   * until it does, and the outage is logged.
   * @throws Error that says what to change, when the medium refuses
   */
  async init(): Promise<void> {
    try {
      await this.connect();
      const change = await this.calls.checkSetup();
      if (change !== undefined) throw new Error(`${this.options.name}: ${change}`);
      await rehearse(this.calls);
    } catch (error) {
      if (!hasCode(error, ErrStorageUnavailable)) throw error;
      const change = this.medium.adviceOn?.((error as Error).cause);
      if (change !== undefined) throw new Error(`${this.options.name}: ${change}`, { cause: error });
    }
  }

  /**
   * Connects now instead of at the first use.
   * @throws HttpError `ERR_STORAGE_UNAVAILABLE` (503), with what the medium answered as its cause
   */
  async connect(): Promise<void> {
    await this.calls.open();
  }

  /** Releases the locks that are held; their holders lose them. Requests that wait are refused. */
  async close(): Promise<void> {
    // Both at once: holders learn at once that their locks are lost.
    await Promise.all([this.shared.claims.close(), this.shared.leases.close()]);
    this.calls.close();
    this.messageCheck.stop();
    await this.medium.close();
    this.shared.lines.wake();
  }

  private receive(message: LeaseMessage): void {
    switch (message.kind) {
      case 'free':
        return this.shared.lines.wake(message.id);
      case 'release':
        return this.shared.claims.askToRelease(message.nonce);
      case 'echo':
        return this.messageCheck.arrived(message.count);
    }
  }

  /** Messages may have been missed: waiters ask again, and holders learn whether another node asked for their lock. */
  private askAnew(): void {
    this.shared.lines.wake();
    this.shared.leases.renewAll();
  }
}
