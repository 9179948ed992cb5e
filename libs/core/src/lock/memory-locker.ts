import { errors } from '../errors.js';
import { RecentMap } from '../recent-map.js';
import type { StoreComposer } from '../store/store-composer.js';
import type { Lock, Locker, TryableLock } from './locker.js';

/** How many tokens of free ids are remembered at least, so that `previousToken` is known to whoever comes next. */
const REMEMBERED_TOKENS = 1_000;

/**
 * Exclusive locks for the requests of one process. Whoever waits is served in the order of arrival, in the same turn
 * of the event loop in which the holder lets go. No timers, and no memory for ids that nobody locks.
 *
 * @example
 * new MemoryLocker().useIn(composer);
 */
export class MemoryLocker implements Locker {
  private readonly queues = new Map<string, Claim[]>();
  private readonly lastTokens = new RecentMap<string>(REMEMBERED_TOKENS);

  /** Makes this the locker of `composer`. */
  useIn(composer: StoreComposer): void {
    composer.useLocker(this);
  }

  newLock(id: string): TryableLock {
    return new MemoryLock({
      enter: (claim) => this.enter(id, claim),
      leave: (claim) => this.leave(id, claim),
      isFree: () => !this.queues.has(id),
    });
  }

  private enter(id: string, claim: Claim): void {
    const queue = this.queues.get(id);
    if (queue === undefined) {
      this.queues.set(id, [claim]);
      claim.grant(this.lastTokens.get(id));
      return;
    }
    queue.push(claim);
    askToRelease(queue);
  }

  /** Takes a claim out of its queue; when it was the holder's, the next in line holds the lock. */
  private leave(id: string, claim: Claim): void {
    const queue = this.queues.get(id);
    const position = queue?.indexOf(claim) ?? -1;
    if (queue === undefined || position === -1) return;

    queue.splice(position, 1);
    if (position > 0) return;
    const [next] = queue;
    if (next === undefined) {
      this.queues.delete(id);
      if (claim.token !== undefined) this.lastTokens.set(id, claim.token);
      return;
    }
    next.grant(claim.token);
    if (queue.length > 1) askToRelease(queue);
  }
}

/** One wish to hold a lock. The first in a queue is the holder. */
interface Claim {
  token?: string;
  grant(previousToken: string | undefined): void;
  requestRelease(): void;
}

/**
 * Asks the first of a queue to let go. It is asked in a microtask, so that a holder that unlocks at once does not
 * deepen the stack with every waiter, and one whose callback throws does not hurt the one that asks.
 */
function askToRelease(queue: readonly Claim[]): void {
  const [holder] = queue;
  queueMicrotask(() => {
    if (holder !== undefined && queue[0] === holder) holder.requestRelease();
  });
}

/** What a lock sees of the queue for its id. */
interface Line {
  enter(claim: Claim): void;
  leave(claim: Claim): void;
  isFree(): boolean;
}

class MemoryLock implements Lock {
  private claim?: Claim;
  private held = false;
  private holding: { token?: string; previousToken?: string } = {};

  constructor(private readonly line: Line) {}

  get token(): string | undefined {
    return this.holding.token;
  }

  get previousToken(): string | undefined {
    return this.holding.previousToken;
  }

  lock(signal: AbortSignal, requestRelease: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.claim)
        throw new Error('This lock is held or waited for already; make another one with newLock().');
      if (signal.aborted) throw errors.fileLocked(signal.reason);

      const claim: Claim = {
        requestRelease,
        grant: (previousToken) => {
          signal.removeEventListener('abort', giveUp);
          this.hold(claim, previousToken);
          resolve();
        },
      };
      const giveUp = () => {
        this.forget(claim);
        reject(errors.fileLocked(signal.reason));
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.claim = claim;
      this.line.enter(claim);
    });
  }

  async tryLock(requestRelease: () => void = () => undefined): Promise<boolean> {
    if (this.claim || !this.line.isFree()) return false;
    const claim: Claim = { requestRelease, grant: (previousToken) => this.hold(claim, previousToken) };
    this.claim = claim;
    this.line.enter(claim);
    return true;
  }

  async unlock(): Promise<void> {
    if (this.held && this.claim) this.forget(this.claim);
  }

  private hold(claim: Claim, previousToken: string | undefined): void {
    claim.token = nextToken();
    this.held = true;
    this.holding = { token: claim.token, previousToken };
  }

  private forget(claim: Claim): void {
    this.held = false;
    this.claim = undefined;
    this.line.leave(claim);
  }
}

const processStart = Date.now().toString(16).padStart(12, '0');
let holdings = 0;

/** Unique and ascending, also as text; after a restart still larger than before. */
function nextToken(): string {
  holdings += 1;
  return processStart + holdings.toString(16).padStart(12, '0');
}
