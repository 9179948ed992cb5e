import { ErrFileLocked, errors, hasCode } from '../errors.js';
import type { Lock, Locker, RequestRelease } from './locker.js';
import { asSeized } from './seized-lock.js';

/** Requests that wait for one upload at most; those that only look at it are more, since they cost less and many may look. */
const MOST_WAITING = { change: 64, look: 256 };
/** How long a lock that cannot be tried is waited for where nothing may wait. Milliseconds. */
const TRIAL_MS = 1_000;

export type Purpose = keyof typeof MOST_WAITING;

/** What this process does with the lock of one upload. */
interface Use {
  holders: number;
  readonly waiting: Record<Purpose, number>;
  /** Operations that were left alone, and may still write. */
  abandoned: number;
}

/** What requests of this process do with the locks of one locker. */
const usesOf = new WeakMap<Locker, Map<string, Use>>();

/**
 * The lock of one upload as operations need it: with what this process knows of its holders, so that waiting is bounded, and lockers need
 * no more than `lock` and `unlock`.
 */
export class UploadLock {
  /** As stores see it, once it is held. */
  held: Lock;
  private readonly lock: Lock;
  private readonly uses: Map<string, Use>;
  private isHolding = false;

  constructor(
    locker: Locker,
    private readonly uploadId: string,
  ) {
    this.uses = usesOf.get(locker) ?? new Map<string, Use>();
    usesOf.set(locker, this.uses);
    this.lock = locker.newLock(uploadId);
    this.held = this.lock;
  }

  /**
   * Takes the lock if it is free. A locker without `tryLock` knows that of this process only: a holder in another one is asked to let go.
   * @returns true when it is held now
   */
  async tryLock(requestRelease: RequestRelease = () => undefined): Promise<boolean> {
    if (!(await this.takeIfFree(requestRelease))) return false;
    this.hold();
    return true;
  }

  /**
   * Waits for the lock.
   * @throws HttpError `ERR_UPLOAD_LOCKED` (423) when `signal` aborts before, or too many wait
   */
  async wait(signal: AbortSignal, requestRelease: RequestRelease, purpose: Purpose): Promise<void> {
    const use = this.use();
    if (use.waiting[purpose] >= MOST_WAITING[purpose]) {
      throw errors.fileLocked(new Error(`${MOST_WAITING[purpose]} requests wait already`));
    }
    use.waiting[purpose] += 1;
    try {
      await this.lock.lock(signal, requestRelease);
      this.hold();
    } finally {
      use.waiting[purpose] -= 1;
      this.tidy();
    }
  }

  async unlock(): Promise<void> {
    this.letGo();
    await this.lock.unlock();
  }

  /** Says that `work` was left alone under this lock: until it ends, the next holders must not trust what is there. */
  abandon(work: Promise<unknown>): void {
    const use = this.use();
    use.abandoned += 1;
    const end = () => {
      use.abandoned -= 1;
      this.tidy();
    };
    work.then(end, end);
  }

  private async takeIfFree(requestRelease: RequestRelease): Promise<boolean> {
    if (this.lock.tryLock) return this.lock.tryLock(requestRelease);
    const use = this.uses.get(this.uploadId);
    if (use && use.holders + use.waiting.change + use.waiting.look > 0) return false;
    const trial = this.use();
    // Two that try at once must not both find it free.
    trial.holders += 1;
    try {
      await this.lock.lock(AbortSignal.timeout(TRIAL_MS), requestRelease);
      return true;
    } catch (error) {
      if (hasCode(error, ErrFileLocked)) return false;
      throw error;
    } finally {
      trial.holders -= 1;
      this.tidy();
    }
  }

  private hold(): void {
    const use = this.use();
    use.holders += 1;
    this.isHolding = true;
    if (use.abandoned > 0) this.held = asSeized(this.lock);
  }

  private letGo(): void {
    if (!this.isHolding) return;
    this.isHolding = false;
    this.use().holders -= 1;
    this.tidy();
  }

  private use(): Use {
    const use = this.uses.get(this.uploadId) ?? { holders: 0, waiting: { change: 0, look: 0 }, abandoned: 0 };
    this.uses.set(this.uploadId, use);
    return use;
  }

  private tidy(): void {
    const use = this.uses.get(this.uploadId);
    if (use && use.holders + use.waiting.change + use.waiting.look + use.abandoned === 0) {
      this.uses.delete(this.uploadId);
    }
  }
}

/** What does not work with a locker, in words for the operator; empty for one that has all that this project's have. */
export function lackOf(locker: Locker): string[] {
  const lock = sampleOf(locker);
  if (!lock) return [];
  const lacksTry = 'no tryLock: sweeps and joins ask holders in other processes to let go';
  const lacksLook = 'no isHeld: a process that was paused may overwrite what others stored';
  return [...(lock.tryLock ? [] : [lacksTry]), ...(lock.isHeld || !locker.spansProcesses ? [] : [lacksLook])];
}

function sampleOf(locker: Locker): Lock | undefined {
  try {
    return locker.newLock('capabilities');
  } catch {
    // A locker that cannot make a lock says so to the requests that want one.
    return undefined;
  }
}
