import { errors } from '@nestjs-tus/core';
import type { WaitingConnection } from './lock-socket.js';
import { entryOf } from './token.js';

/** Another process that waits for a lock. */
export interface Waiter extends WaitingConnection {
  readonly token: string;
}

/** One wish of this process to hold a lock, from its beginning to the end of the holding. */
export class Claim {
  /** Other processes that wait for the end of this holding, in the order of their arrival. */
  readonly waiters: Waiter[] = [];
  previousToken?: string;
  seized = false;
  private state: 'waiting' | 'held' | 'over' = 'waiting';
  private wanted = false;
  private readonly loss = new AbortController();

  constructor(
    readonly id: string,
    readonly token: string,
    private readonly requestRelease: () => void,
  ) {}

  get entry(): string {
    return entryOf(this.token, this.seized);
  }

  get lost(): AbortSignal {
    return this.loss.signal;
  }

  get isWaiting(): boolean {
    return this.state === 'waiting';
  }

  get isHeld(): boolean {
    return this.state === 'held';
  }

  hold(previousToken: string | undefined, seized: boolean): void {
    this.state = 'held';
    this.previousToken = previousToken;
    this.seized = seized;
    if (this.wanted) this.askToRelease();
  }

  /** Asks the holder to let go: in a microtask, so that it knows that it holds, and its errors hurt nobody who asks. */
  askToRelease(): void {
    if (this.state === 'waiting') this.wanted = true;
    if (this.state !== 'held') return;
    queueMicrotask(() => {
      if (this.state === 'held') this.requestRelease();
    });
  }

  forgetWaitersThatLeft(): void {
    const present = this.waiters.filter((waiter) => waiter.isThere());
    this.waiters.splice(0, this.waiters.length, ...present);
  }

  end(): void {
    this.state = 'over';
  }

  /** The holding has ended without its holder. */
  lose(): void {
    this.state = 'over';
    this.loss.abort(errors.lockLost());
  }
}
