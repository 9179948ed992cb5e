import type { HttpError } from '../errors.js';

/**
 * Makes locks. One is used for every request that reads or changes an unfinished upload. `newLock` is enough, with locks of `lock` and
 * `unlock`; what is missing without the rest, the log says at the start.
 */
export interface Locker {
  /** A lock for an upload, not yet held. */
  newLock(id: string): Lock;
  /** True when the lock holds between processes of one host, or of many. Absent: one process only. */
  readonly spansProcesses?: boolean;
  /** Called once before the first request. Rejects with a text for the operator. */
  init?(): Promise<void>;
  /** Takes the lock's outer means (a socket, a connection) down. Locks still held are released. */
  close?(): Promise<void>;
}

/** A lock that can be tried. */
export type TryableLock = Lock & Required<Pick<Lock, 'tryLock'>>;

/** How a holder is asked to let go. */
export type RequestRelease = (reason?: HttpError) => void;

/** An exclusive lock on one upload. It is used once: locked, then unlocked. */
export interface Lock {
  /**
   * Waits until this lock is held. While somebody else holds it, asks them to let go by their `requestRelease`.
   *
   * @param signal ends the waiting
   * @param requestRelease called, perhaps more than once, when somebody else wants the lock: the holder should commit and unlock soon.
   *   With a `reason` when nobody does, but the lock cannot be kept for long; it is what the holder's client is to be told.
   * @throws HttpError `ERR_UPLOAD_LOCKED` (423) when `signal` aborts before the lock is held
   */
  lock(signal: AbortSignal, requestRelease: RequestRelease): Promise<void>;
  /** Releases the lock. Harmless when it has been lost or was never held. */
  unlock(): Promise<void>;

  /**
   * Takes the lock only if it is free: true when it is held now. No holder is asked to let go. Absent: sweeps and joins of uploads, which wait for
   * no request, take the lock by `lock`, so that a holder in another process is asked to let go.
   */
  tryLock?(requestRelease?: RequestRelease): Promise<boolean>;
  /** Names this holding; never used twice for an id. Larger than every earlier one where the locker can order them (`fencing`). */
  readonly token?: string;
  /** The token of the holder before; absent when it is not known. A store may trust its memory only if this is its own. */
  readonly previousToken?: string;
  /** True when the lock was taken from a holder that did not let go: it may wake up and go on writing. */
  readonly seized?: boolean;
  /** Aborted when the lock is lost while it is held. */
  readonly lost?: AbortSignal;
  /** Asks the lock's own medium whether this is still the holder. Absent: the holder cannot lose it. */
  isHeld?(): Promise<boolean>;
}
