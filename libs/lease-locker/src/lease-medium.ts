/**
 * What the processes share, and where their leases are kept: a Redis, a database. One object is one node: it takes leases for one
 * process, and hears the messages that others send to this process.
 *
 * Of each lock a medium keeps its holder for `leaseDuration`, and what is remembered of the last holder for `rememberFor`: its token,
 * whether it has let go, and whether another node asked it to. `take`, `renew` and `release` are each done whole or not at all, also
 * when several nodes call at once.
 *
 * A call that was certainly not done, and never will be, rejects with `NotDone`. Any other rejection leaves open whether it was done.
 * The time of a call is limited by the locker, not by the medium.
 */
export interface LeaseMedium {
  /** Its name in log lines and errors, e.g. `Redis`. */
  readonly name: string;
  /** The most leases that one `renew` takes. At least 1. */
  readonly renewsAtOnce: number;
  /** True when parts of it may be gone while others answer, as in a cluster: one answer then does not mean that all is well. */
  readonly hasParts: boolean;

  /** Called once, before all else: where messages and trouble are reported. */
  listen(listener: MediumListener): void;
  /** Resolves when calls can be sent and messages arrive. Harmless when it is open. The other calls open it by themselves. */
  open(): Promise<void>;

  /**
   * Takes the lock if it is free. A `take` that is repeated with the same nonce, while its lease lasts, gives the first answer again.
   * When another claim holds the lock, and `mode` is `wait`:
   * - the holder's node gets a `release` message, and the holder's next `renew` answers `wanted`;
   * - this node gets one `free` message when the lock is released.
   *
   * With `try`, no node learns of it.
   */
  take(claim: Claim, mode: 'wait' | 'try', durations: Durations): Promise<Taken | Leased>;
  /** Lets leases last for another `leaseDuration` from now. One answer for each claim, in their order. */
  renew(claims: readonly Claim[], durations: Durations): Promise<readonly Renewal[]>;
  /** Ends the lease, if `claim` still holds it, and sends `free` to the nodes that wait. Otherwise it changes nothing. */
  release(claim: Claim, use: Use, durations: Durations): Promise<void>;
  /** Sends this node itself a message, on the way that messages of other nodes take. */
  send(message: LeaseMessage): Promise<void>;

  /** Called when a call failed with `cause`, or was not answered in time (`NoAnswer`): the time to go on by another connection. */
  callFailed?(cause: unknown): void;
  /** Called when a message that was sent did not arrive: the time to listen by another connection. */
  messageMissed?(): void;
  /** Looks once at the start whether locks can work here at all. Resolves with what the operator has to change, if anything. */
  checkSetup?(): Promise<string | undefined>;
  /** What the operator has to change when a call failed with `cause`; `undefined` when that may pass by itself. */
  adviceOn?(cause: unknown): string | undefined;

  /** From now on calls reject with `NotDone`, and the listener hears nothing. Harmless when it is closed. */
  close(): Promise<void>;
}

/** What a medium reports. */
export interface MediumListener {
  onMessage(message: LeaseMessage): void;
  /** Messages may have been missed: a connection is new, or another server answers from now on. */
  onFresh(): void;
  /** Something is wrong with the way to the medium, outside of any call. A refusal comes as `NotDone`. */
  onError(error: unknown): void;
}

/**
 * What one node hears from another, or from itself:
 * - `release`: another node wants the lock that the claim of this nonce holds;
 * - `free`: a lock is free for which this node waits;
 * - `echo`: this node sent it, to find out whether messages arrive.
 */
export type LeaseMessage =
  | { readonly kind: 'release'; readonly nonce: string }
  | { readonly kind: 'free'; readonly id: string }
  | { readonly kind: 'echo'; readonly count: number };

/** One attempt to take a lock, and then the name of the holding. */
export interface Claim {
  /** Of the lock: any text that is not empty. */
  readonly id: string;
  /** Letters and digits, used for one claim only. */
  readonly nonce: string;
}

/** How long the medium keeps something, in milliseconds. */
export interface Durations {
  /** How long a lock outlives a holder that died. */
  readonly leaseDuration: number;
  /** How long the last holder of a lock is remembered, after the lock's last use. Longer than `leaseDuration`. */
  readonly rememberFor: number;
}

/** The lock is held from now on. */
export interface Taken {
  /** Names this holding; never used twice for an id. Larger than every earlier one of the id, if the medium can order them. */
  readonly token: string;
  /** The token of the holder before. Absent when the medium is not sure of it. */
  readonly previousToken?: string;
  /** True when the holder before did not let go, or when the medium is not sure of that. */
  readonly seized: boolean;
}

/** Another claim holds the lock, for so many milliseconds unless it is renewed. Not positive: for less than one. */
export interface Leased {
  readonly leasedFor: number;
}

/** The lease lasts on; it lasts on, and another node asked its holder to let go; or another claim has it, or none. */
export type Renewal = 'renewed' | 'wanted' | 'lost';

/**
 * How a lock was used when it is released:
 * - `done`: its holder has finished. The next one has not seized it;
 * - `unused`: no holder worked under it. The next one has seized it if this one had;
 * - `working`: its holder may still be at work. The next one has seized it.
 */
export type Use = 'done' | 'unused' | 'working';

/** A call was not done and never will be: it was not sent, or the medium refused it. The reason is its `cause`. */
export class NotDone extends Error {
  /** @param refusal names the refusal when the medium answered with one, e.g. `NOPERM`; the operator gets a line for each name */
  constructor(
    cause: unknown,
    readonly refusal?: string,
  ) {
    super('the call was not done', { cause });
    this.name = 'NotDone';
  }
}
