import { join, resolve } from 'node:path';
import {
  checkOptions,
  type Locker,
  MemoryLocker,
  optionKinds,
  type OptionTable,
  type StoreComposer,
  type TryableLock,
} from '@nestjs-tus/core';
import { folder } from '../options.js';
import type { Claim } from './claim.js';
import { Holdings } from './holdings.js';

export interface FileLockerOptions {
  /** The folder that all processes share; usually the store's. The locks are in `.locks` below it. */
  readonly directory: string;
  /**
   * Milliseconds without any sign of life after which a holder, asked to let go, loses its lock: its process is paused.
   * One that is busy answers all the same. Default: 5000.
   */
  readonly staleAfter?: number;
}

const DEFAULT_STALE_AFTER = 5_000;

const OPTIONS: OptionTable<FileLockerOptions> = {
  directory: folder,
  staleAfter: optionKinds.wholeNumber({ unit: 'milliseconds', least: 1, most: optionKinds.MAX_TIMER }),
};

const ID = /^(?!\.+$)[A-Za-z0-9._~-]{1,128}$/;

/**
 * Exclusive locks for several processes of one host, in containers that share a volume too. A holder that is killed
 * blocks nobody. It needs a local file system: sockets of another host cannot be reached through a folder.
 *
 * @example
 * new FileLocker({ directory: './uploads' }).useIn(composer);
 */
export class FileLocker implements Locker {
  readonly spansProcesses = true;
  private readonly queue = new MemoryLocker();
  private readonly holdings: Holdings;

  /** @throws TypeError for an option that makes no sense */
  constructor(options: FileLockerOptions) {
    const { directory, staleAfter = DEFAULT_STALE_AFTER } = checkOptions<FileLockerOptions>(
      options,
      OPTIONS,
      {
        owner: 'FileLocker: ',
        example: "new FileLocker({ directory: './uploads' })",
      },
    );
    this.holdings = new Holdings(join(resolve(directory), '.locks'), staleAfter);
  }

  /** Makes this the locker of `composer`. */
  useIn(composer: StoreComposer): void {
    composer.useLocker(this);
  }

  /** Makes the folder of the locks; rejects with a text for the operator when that is impossible. */
  init(): Promise<void> {
    return this.holdings.open();
  }

  newLock(id: string): TryableLock {
    if (!ID.test(id)) throw new TypeError(`${JSON.stringify(id)} cannot be the id of an upload.`);
    return new FileLock(id, this.queue.newLock(id), this.holdings);
  }

  /** Releases what is held, and removes the socket. This locker cannot be used after that. */
  close(): Promise<void> {
    return this.holdings.close();
  }
}

/** Waits in its process's own queue first: only one of a process speaks with the others. */
class FileLock implements TryableLock {
  private claim?: Claim;

  constructor(
    private readonly id: string,
    private readonly turn: TryableLock,
    private readonly holdings: Holdings,
  ) {}

  get token(): string | undefined {
    return this.claim?.token;
  }

  get previousToken(): string | undefined {
    return this.claim?.previousToken;
  }

  get seized(): boolean {
    return this.claim?.seized ?? false;
  }

  get lost(): AbortSignal | undefined {
    return this.claim?.lost;
  }

  async isHeld(): Promise<boolean> {
    return this.claim !== undefined && this.holdings.isHolder(this.claim);
  }

  async lock(signal: AbortSignal, requestRelease: () => void): Promise<void> {
    const claim = this.holdings.newClaim(this.id, requestRelease);
    await this.turn.lock(signal, () => claim.askToRelease());
    this.claim = claim;
    try {
      await this.holdings.acquire(claim, signal);
    } catch (error) {
      this.claim = undefined;
      await this.turn.unlock();
      throw error;
    }
  }

  async tryLock(requestRelease: () => void = () => undefined): Promise<boolean> {
    const claim = this.holdings.newClaim(this.id, requestRelease);
    if (!(await this.turn.tryLock(() => claim.askToRelease()))) return false;
    this.claim = claim;
    let held = false;
    try {
      held = await this.holdings.tryAcquire(claim);
      return held;
    } finally {
      if (!held) {
        this.claim = undefined;
        await this.turn.unlock();
      }
    }
  }

  async unlock(): Promise<void> {
    if (this.claim === undefined || this.claim.isWaiting) return;
    try {
      await this.holdings.release(this.claim);
    } finally {
      await this.turn.unlock();
    }
  }
}
