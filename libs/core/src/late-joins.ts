import type { Engine } from './engine.js';
import {
  ErrFileLocked,
  ErrInsufficientStorage,
  ErrLockLost,
  ErrNotFound,
  ErrStorageUnavailable,
  hasCode,
} from './errors.js';
import { stateOf } from './file-info.js';
import { awaitPartial, BUSY, isRefusal, joinIfComplete, load } from './operations/join.js';

/** Pause before the second attempt, in milliseconds; each one after that is twice as long. */
const FIRST_PAUSE_MS = 100;
/** A partial upload may be received for hours on another node, which knows nothing of a final one that waits for it. */
const LONGEST_PAUSE_MS = 5_000;
/** Final uploads that are tried again at most: each attempt reads its info and those of its parts. A client that asks for another joins it. */
const MOST_FINALS = 1_000;
/** Errors after which it is worth another attempt. Anything else is told to whoever asks for the upload. */
const PASSING = [ErrFileLocked, ErrInsufficientStorage, ErrLockLost, ErrStorageUnavailable];

/**
 * Final uploads whose joining found a lock taken, by another process or for a moment: tried again until they are joined, or until every
 * partial upload that is still missing names them, so that whoever finishes it comes for them. What a process leaves when it ends is
 * joined when a client asks for it.
 */
export class LateJoins {
  private readonly pauses = new Map<string, NodeJS.Timeout>();
  private readonly running = new Set<Promise<void>>();
  private isClosed = false;

  constructor(private readonly engine: Engine) {}

  add(finalId: string): void {
    // A hook that may refuse the upload wants a request, which a client has to make.
    if (this.engine.config.preFinishResponseCallback) return;
    if (this.pauses.has(finalId) || this.pauses.size >= MOST_FINALS) return;
    this.later(finalId, FIRST_PAUSE_MS);
  }

  /** Begins nothing any more, and waits for what runs. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const pause of this.pauses.values()) clearTimeout(pause);
    this.pauses.clear();
    await Promise.all(this.running);
  }

  private later(finalId: string, pause: number): void {
    if (this.isClosed) return;
    const timer = setTimeout(() => {
      const attempt = this.attempt(finalId, pause).finally(() => this.running.delete(attempt));
      this.running.add(attempt);
    }, pause);
    this.pauses.set(finalId, timer.unref());
  }

  /** Never rejects. */
  private async attempt(finalId: string, pause: number): Promise<void> {
    const isOver = await this.join(finalId).catch((error: unknown) => {
      if (hasCode(error, ErrNotFound) || isRefusal(error)) return true;
      this.engine.logger.error(`joining the final upload ${finalId} failed`, error);
      return !PASSING.some((descriptor) => hasCode(error, descriptor));
    });
    if (isOver) this.pauses.delete(finalId);
    else this.later(finalId, Math.min(2 * pause, LONGEST_PAUSE_MS));
  }

  /** @returns true when there is nothing left to do */
  private async join(finalId: string): Promise<boolean> {
    const { info } = await load(this.engine, finalId, {});
    if (stateOf(info) !== 'receiving') return true;
    let isBusy = false;
    for (const partialId of new Set(info.partialUploads)) {
      if ((await awaitPartial(this.engine, partialId, finalId)) === BUSY) isBusy = true;
    }
    return (await joinIfComplete(this.engine, undefined, finalId)) !== BUSY && !isBusy;
  }
}
