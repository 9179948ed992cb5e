import { AsyncResource } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import type { Engine } from './engine.js';
import { ErrNotFound, hasCode } from './errors.js';
import type { HookEvent } from './events/hook-event.js';
import { storedEventOf } from './events/make-hook-event.js';
import { type FileInfo, stateOf } from './file-info.js';
import { UploadLock } from './lock/upload-locks.js';
import { finish } from './operations/finish.js';
import { holdingIfFree, load } from './operations/join.js';
import { underLock } from './operations/under-lock.js';
import { update } from './operations/update.js';

/** Infos that the scan reads at once: a store that keeps no index reads its folder for each page. */
const PAGE = 1_000;

/** Finished uploads that are remembered at most; more are found again in the store when these are delivered. */
const MOST_LETTERS = 10_000;
/** Characters of the requests that are kept for hooks at most, in all. Beyond it a hook gets what the store knows, as after a restart. */
const MOST_KEPT = 16 * 1024 * 1024;
/** What an event costs besides its request's header and its metadata. */
const EVENT = 1_024;

/** A finished upload whose hook has to be called. */
interface Letter {
  readonly uploadId: string;
  /** Absent when an earlier process finished it. */
  readonly event?: HookEvent;
  /** What `event` takes of what may be kept. */
  readonly weight: number;
  /** Calls `work` in the asynchronous context of the request that finished the upload. */
  readonly inContext: (work: () => Promise<void>) => Promise<void>;
  attempts: number;
}

/**
 * Calls the postFinish hook for every finished upload, at least once.
 *
 * The store keeps a mark with the upload, set by the same change that says `finished`, and removed when the hook has resolved. So the
 * process may end at any instant: whoever starts next finds the mark. A lock of its own, beside that of the upload, keeps
 * several processes from calling the hook for one upload at the same time; clients do not wait for it.
 */
export class Outbox {
  private readonly waiting: Letter[] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly known = new Set<string>();
  private readonly retries = new Set<NodeJS.Timeout>();
  private isClosed = false;
  /** Characters of the events of all letters. */
  private kept = 0;
  /** There are more in the store than are known. */
  private hasMore = false;

  constructor(private readonly engine: Engine) {}

  /** Takes the upload that has just been finished, under its lock. */
  post(uploadId: string, event: HookEvent | undefined): void {
    // The request is over by the time that the hook runs.
    const lasting = event && { ...storedEventOf(event.upload), httpRequest: event.httpRequest };
    const weight = lasting ? weightOf(lasting) : 0;
    if (this.kept + weight > MOST_KEPT) return this.add(storedLetter(uploadId));
    const inContext = AsyncResource.bind((work: () => Promise<void>) => work());
    this.add({ uploadId, event: lasting, weight, inContext, attempts: 0 });
  }

  /** Takes what an earlier process has left. */
  async resume(): Promise<void> {
    const { config, logger } = this.engine;
    if (!config.postFinishCallback) return;
    try {
      // With a hook that may disagree, the client has to come back for its answer.
      if (!config.preFinishResponseCallback) {
        for await (const info of this.listed('finishing')) await this.finishLeft(info);
      }
      for await (const info of this.listed('finished')) {
        if (info.untold) this.add(storedLetter(info.id));
      }
    } catch (error) {
      logger.error('looking for uploads that were not told failed; the next start does it again', error);
    }
  }

  /**
   * Starts no hook any more, and waits for those that run.
   * @param timeout milliseconds
   */
  async close(timeout: number): Promise<void> {
    this.isClosed = true;
    for (const retry of this.retries) clearTimeout(retry);
    this.retries.clear();
    this.waiting.length = 0;
    if (this.running.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(0, timeout));
    });
    await Promise.race([Promise.all(this.running), late]);
    clearTimeout(timer);
  }

  private async *listed(state: FileInfo['state']): AsyncGenerator<FileInfo> {
    for await (const info of this.engine.listing.each({ state, limit: PAGE })) {
      if (this.isClosed) return;
      yield info;
    }
  }

  /** All bytes are there, and the process ended before it could say so. Whoever holds the lock is about to. */
  private async finishLeft({ id }: FileInfo): Promise<void> {
    try {
      await ifThere(() =>
        holdingIfFree(this.engine, id, async (scope) => {
          const { upload, info } = await load(this.engine, id, scope);
          // An empty final upload has all its bytes before its parts have theirs.
          if (info.isFinal || stateOf(info) !== 'finishing') return;
          await finish(this.engine, undefined, upload, info, scope);
        }),
      );
    } catch (error) {
      this.engine.logger.error(`finishing the upload ${id} failed`, error);
    }
  }

  private add(letter: Letter): void {
    if (this.isClosed || this.known.has(letter.uploadId)) return;
    if (this.known.size >= MOST_LETTERS) {
      this.hasMore = true;
      return;
    }
    this.known.add(letter.uploadId);
    this.kept += letter.weight;
    this.waiting.push(letter);
    this.next();
  }

  private next(): void {
    const { concurrency } = this.engine.config.postFinish;
    while (!this.isClosed && this.running.size < concurrency) {
      const letter = this.waiting.shift();
      if (!letter) return;
      const delivery = this.deliver(letter).finally(() => {
        this.running.delete(delivery);
        this.next();
      });
      this.running.add(delivery);
    }
  }

  /** Never rejects. */
  private async deliver(letter: Letter): Promise<void> {
    try {
      const isDone = await this.deliverOnce(letter);
      if (isDone) this.forget(letter);
      else this.later(letter);
    } catch (error) {
      const text = `postFinish of the upload ${letter.uploadId} failed; it is called again`;
      this.engine.logger.error(text, error);
      this.later(letter);
    }
  }

  private forget({ uploadId, weight }: Letter): void {
    this.known.delete(uploadId);
    this.kept -= weight;
    if (this.known.size > 0 || !this.hasMore || this.isClosed) return;
    this.hasMore = false;
    void this.resume();
  }

  /** @returns false when another process is at it: whether it succeeds is seen later */
  private async deliverOnce(letter: Letter): Promise<boolean> {
    const { locker } = this.engine.composer;
    const claim = locker && new UploadLock(locker, claimOf(letter.uploadId));
    if (claim && !(await claim.tryLock())) return false;
    try {
      const info = await this.readIfThere(letter.uploadId);
      if (info?.untold) await this.tell(letter, info);
      return true;
    } finally {
      await claim?.unlock();
    }
  }

  private async tell({ uploadId, event, inContext }: Letter, info: FileInfo): Promise<void> {
    const { config, metrics } = this.engine;
    const started = performance.now();
    try {
      await inContext(async () => void (await config.postFinishCallback?.(event ?? storedEventOf(info))));
    } finally {
      metrics.hookTime.postFinish.observe(performance.now() - started);
    }
    await ifThere(() =>
      underLock(this.engine, undefined, uploadId, async (scope) => {
        const { upload } = await load(this.engine, uploadId, scope);
        await update(this.engine, upload, { untold: false }, scope);
      }),
    );
  }

  private async readIfThere(uploadId: string): Promise<FileInfo | undefined> {
    return (await ifThere(() => load(this.engine, uploadId, {})))?.info;
  }

  private later(letter: Letter): void {
    if (this.isClosed) return;
    const { retryDelay, maxRetryDelay } = this.engine.config.postFinish;
    const delay = Math.min(retryDelay * 2 ** letter.attempts, maxRetryDelay);
    letter.attempts += 1;
    const retry = setTimeout(() => {
      this.retries.delete(retry);
      this.waiting.push(letter);
      this.next();
    }, delay);
    retry.unref();
    this.retries.add(retry);
  }
}

/** Of an upload of which no more is known than the store knows. */
function storedLetter(uploadId: string): Letter {
  return { uploadId, weight: 0, inContext: (work) => work(), attempts: 0 };
}

function weightOf({ httpRequest, upload }: HookEvent): number {
  const { metaData, metaDataHeader, concatHeader, partialUploads } = upload;
  const texts = [httpRequest.header, metaData, metaDataHeader, concatHeader, partialUploads];
  return EVENT + JSON.stringify(texts).length;
}

/** An id that no upload has, of any length that an upload's may have. */
function claimOf(uploadId: string): string {
  return `~told~${createHash('sha256').update(uploadId).digest('hex')}`;
}

/** An upload may be deleted at any time, by its own hook too. */
async function ifThere<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (hasCode(error, ErrNotFound)) return undefined;
    throw error;
  }
}
