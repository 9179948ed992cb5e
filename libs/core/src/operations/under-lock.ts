import type { Engine } from '../engine.js';
import type { Deadline } from '../deadline.js';
import { ErrOperationAbandoned, errors, hasCode } from '../errors.js';
import type { Exchange } from '../exchange.js';
import type { Lock, RequestRelease } from '../lock/locker.js';
import { UploadLock } from '../lock/upload-locks.js';
import type { StoreContext } from '../store/data-store.js';

/** The context that an operation's calls to the store share, and the work that it leaves for its end. */
export class OperationScope implements StoreContext {
  /** What the store was told by `expiry`, and has stored. */
  storedExpiry: Date | undefined;
  /** Set while a body is received. */
  expiry?: () => Date | undefined;
  private readonly deferred: (() => void | Promise<void>)[] = [];

  readonly signal: AbortSignal;

  constructor(
    deadline: Deadline,
    readonly lock?: Lock,
  ) {
    this.signal = lock?.lost ? this.eitherOf(lock.lost, deadline.signal) : deadline.signal;
  }

  defer(work: () => void | Promise<void>): void {
    this.deferred.push(work);
  }

  /** Does what was deferred, the latest first. */
  async end(): Promise<void> {
    for (let work = this.deferred.pop(); work; work = this.deferred.pop()) await work();
  }

  /** `AbortSignal.any` would leave a mark of each operation on the signal of the shutdown, which lives as long as the process. */
  private eitherOf(...sources: AbortSignal[]): AbortSignal {
    const either = new AbortController();
    for (const source of sources) {
      const abort = () => either.abort(source.reason);
      if (source.aborted) abort();
      source.addEventListener('abort', abort, { once: true });
      this.defer(() => source.removeEventListener('abort', abort));
    }
    return either.signal;
  }
}

export interface LockOptions {
  /** Looked at before a holder is asked to let go: a request that must fail anyway interrupts nobody. */
  readonly precheck?: () => Promise<void>;
}

/**
 * Runs `work` while it holds the lock of an upload. A holder that is receiving is asked to let go; so is this one, when
 * somebody else comes.
 *
 * @param exchange undefined: the application itself, which holds a lock for a moment and is not asked to let go
 * @throws HttpError `ERR_UPLOAD_LOCKED` (423) after `acquireLockTimeout`
 */
export async function underLock<T>(
  engine: Engine,
  exchange: Exchange | undefined,
  uploadId: string,
  work: (scope: OperationScope) => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const { locker } = engine.composer;
  const deadline = engine.deadlineOf(exchange);
  if (!locker) return inScope(new OperationScope(deadline), work);
  const lock = new UploadLock(locker, uploadId);
  const letGo: RequestRelease = (reason = errors.uploadInterrupted()) => exchange?.stop(reason);
  const started = performance.now();
  if (!(await lock.tryLock(letGo))) {
    await options.precheck?.();
    await waitFor(engine, exchange, lock, letGo);
  }
  engine.metrics.lockWait.observe(performance.now() - started);
  const { lost } = lock.held;
  const loseIt = () => exchange?.stop(errors.lockLost());
  if (lost?.aborted) loseIt();
  lost?.addEventListener('abort', loseIt, { once: true });
  try {
    return await whileHeld(lock, deadline, work);
  } finally {
    lost?.removeEventListener('abort', loseIt);
  }
}

/** Runs `work` under a lock that is held, and releases it, also when the work does not end in time. */
export async function whileHeld<T>(
  lock: UploadLock,
  deadline: Deadline,
  work: (scope: OperationScope) => Promise<T>,
): Promise<T> {
  const running = inScope(new OperationScope(deadline, lock.held), work);
  try {
    return await deadline.within(running);
  } catch (error) {
    if (hasCode(error, ErrOperationAbandoned)) lock.abandon(running);
    throw error;
  } finally {
    await lock.unlock();
  }
}

/** Runs `work` with a lock that is held already, or without one. */
export async function inScope<T>(
  scope: OperationScope,
  work: (scope: OperationScope) => Promise<T>,
): Promise<T> {
  try {
    return await work(scope);
  } finally {
    await scope.end();
  }
}

async function waitFor(
  engine: Engine,
  exchange: Exchange | undefined,
  lock: UploadLock,
  letGo: RequestRelease,
): Promise<void> {
  const waiting = new AbortController();
  const timeout = setTimeout(() => waiting.abort(), engine.config.acquireLockTimeout);
  // A client that is gone wants the upload no more: it must not interrupt the holder.
  const onGone = () => waiting.abort();
  exchange?.res.once('close', onGone);
  if (exchange) exchange.onStop = onGone;
  engine.ending.signal.addEventListener('abort', onGone);
  // Either may have happened while the locker was asked whether the lock is free.
  if (exchange?.isGone || exchange?.stopReason) onGone();
  exchange?.keepEarlyBody();
  try {
    await lock.wait(waiting.signal, letGo, exchange?.operation.name === 'status' ? 'look' : 'change');
  } catch (error) {
    throw exchange?.stopReason ?? error;
  } finally {
    clearTimeout(timeout);
    engine.ending.signal.removeEventListener('abort', onGone);
    exchange?.res.off('close', onGone);
    if (exchange) exchange.onStop = undefined;
  }
}
