import {
  ErrLockLost,
  errors,
  ErrUploadExists,
  hasCode,
  type Lock,
  type Permits,
  type StoreContext,
} from '@nestjs-tus/core';
import type { Bucket } from './bucket.js';
import type { BufferBudget } from './buffer-budget.js';
import type { DownloadUrls } from './download-urls.js';
import { COPY_SIZE, NUMBERS_AHEAD } from './limits.js';
import type { Multiparts } from './multiparts.js';
import type { ObjectKeys } from './object-keys.js';
import type { ResolvedOptions } from './options.js';
import type { RecordStore, Versioned } from './record-store.js';
import { newCommit, sum, type UploadRecord } from './upload-record.js';

/** Numbers that must be left, as a share of all. */
const FEWEST_OF = 10;

/** What the uploads of a store share. */
export interface Service {
  readonly bucket: Bucket;
  readonly multiparts: Multiparts;
  readonly records: RecordStore;
  readonly keys: ObjectKeys;
  readonly options: ResolvedOptions;
  readonly permits: Permits;
  readonly budget: BufferBudget;
  /** Absent: content goes through this process. */
  readonly downloadUrls?: DownloadUrls;
}

type RecordChanges = Partial<Omit<UploadRecord, 'commit' | 'nextNumber' | 'idleToken' | 'untidy'>>;

/**
 * What a node knows of an upload while it holds its lock: the record, its version, and which part numbers are its own.
 *
 * A part number is never used twice, so that a holder that was paused, and wakes up when somebody else has gone on, overwrites nothing that
 * counts. A holder may use NUMBERS_AHEAD numbers from the record's `nextNumber` on. The next one begins there too when the record says that
 * the holder before had nothing under way; otherwise it leaves them out, and says so in the record before it uses any.
 */
export class UploadState {
  record: UploadRecord;
  /** Undefined: the record is not in the bucket yet. */
  version: string | undefined;
  /** The lock under which this was read; undefined for a look without one. */
  readonly lock: Lock | undefined;
  /** True when the bucket may have something else: a commit failed, and nobody knows how. */
  isStale = false;
  /** True once the upload has been removed. */
  isGone = false;
  private nextNumber: number;
  /** True when there may be segments that no record names, and the record does not say so yet. */
  private isUntidy: boolean;
  /** Of the last write that was asked for. Never rejects. */
  private written: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly service: Service,
    { record, version }: { record: UploadRecord; version: string | undefined },
    /** True when every number from the record's `nextNumber` on is free. */
    private mayNumber: boolean,
    lock?: Lock,
  ) {
    this.lock = lock;
    this.record = record;
    this.version = version;
    this.nextNumber = record.nextNumber;
    this.isUntidy = !mayNumber && isAfterCrash(record, lock);
  }

  /** What this node knows, for the next one of its operations. Nobody else can have changed it since. */
  under(lock: Lock): UploadState | undefined {
    if (!this.stored) return undefined;
    const state = new UploadState(this.service, this.stored, this.isAtRest, lock);
    state.isUntidy ||= this.isUntidy;
    return state;
  }

  get stored(): Versioned | undefined {
    return this.version === undefined ? undefined : { record: this.record, version: this.version };
  }

  /**
   * True when no number from the record's `nextNumber` on has been used: neither by this holder, nor by one before it that may still be writing. A part
   * that failed has used its number, too: it may reach the service late.
   */
  get isAtRest(): boolean {
    if (this.isUntidy) return false;
    if (this.mayNumber) return this.nextNumber === this.record.nextNumber;
    return this.record.idleToken !== undefined && this.record.idleToken === this.lock?.token;
  }

  /** True for an upload whose record is written with its first bytes. */
  get isPending(): boolean {
    return this.version === undefined && !this.isStale;
  }

  /** True when a commit that failed with `error` may have been made all the same, its answer lost: what it names must stay. */
  mayHaveCommitted(error: unknown): boolean {
    return this.isStale && !hasCode(error, ErrLockLost) && !hasCode(error, ErrUploadExists);
  }

  /** The number that the next part will get, unless a commit comes in between. */
  get upcomingNumber(): number {
    return this.mayNumber ? this.nextNumber : this.nextNumber + NUMBERS_AHEAD;
  }

  /** True when so few numbers are left that what is to come would have to be a few huge parts, and what is there needs fewer than it has. */
  get isShortOfNumbers(): boolean {
    const { maxParts, equalParts } = this.service.options;
    const reserve = Math.min(NUMBERS_AHEAD, Math.floor(maxParts / FEWEST_OF));
    const { multipart, parts } = this.record;
    if (multipart === undefined || this.upcomingNumber <= maxParts - reserve) return false;
    // Two neighbours that do not fit together are larger than what is copied at once.
    const needed = equalParts ? parts.length : Math.min(parts.length, (2 * sum(parts)) / COPY_SIZE + 1);
    return needed < maxParts / 2;
  }

  /** To be called when a segment may or may not have been stored. */
  expectStrays(): void {
    this.isUntidy = true;
  }

  /** Numbers begin anew in a multipart upload that no other node knows. */
  numberAnew(first = 1): void {
    this.mayNumber = true;
    this.nextNumber = first;
  }

  /**
   * Takes a part number; commits `progress` when there is no free one.
   * @throws HttpError `ERR_MAX_SIZE_EXCEEDED` when the service takes no more parts
   */
  async takeNumber(progress: () => RecordChanges, context: StoreContext): Promise<number> {
    if (!this.mayNumber) {
      this.nextNumber = this.upcomingNumber;
      await this.commit(progress(), context);
      this.mayNumber = true;
    } else if (this.nextNumber >= this.record.nextNumber + NUMBERS_AHEAD) {
      await this.commit(progress(), context);
    }
    const number = this.nextNumber;
    if (number > this.service.options.maxParts) {
      throw errors.maxSizeExceeded(new Error(`the service takes ${this.service.options.maxParts} parts`));
    }
    this.nextNumber += 1;
    return number;
  }

  /** Commits when nothing of this operation is under way: whoever comes next can go on where this ended. */
  async commitAtRest(changes: RecordChanges, context: StoreContext): Promise<void> {
    await this.write(changes, context, context.lock?.token);
    this.mayNumber = false;
  }

  /** Commits in the middle of an operation. */
  commit(changes: RecordChanges, context: StoreContext): Promise<void> {
    return this.write(changes, context, undefined);
  }

  /** Writes the record that waits for the first bytes, unless it has been written meanwhile, or the upload is gone. */
  async writePending(): Promise<void> {
    await this.inTurn(async () => {
      if (this.isPending && !this.isGone) await this.writeNow({}, {}, undefined);
    });
  }

  private write(changes: RecordChanges, context: StoreContext, idleToken: string | undefined): Promise<void> {
    return this.inTurn(() => this.writeNow(changes, context, idleToken));
  }

  /** A HEAD in this process wants a record that waits, while the request that created the upload commits: of two that create it one would fail. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.written.then(work);
    this.written = done.catch(() => undefined);
    return done;
  }

  private async writeNow(
    changes: RecordChanges,
    context: StoreContext,
    idleToken: string | undefined,
  ): Promise<void> {
    const record: UploadRecord = {
      ...this.record,
      ...changes,
      commit: newCommit(),
      nextNumber: this.nextNumber,
      idleToken,
      untidy: this.record.untidy || this.isUntidy ? true : undefined,
    };
    const { records } = this.service;
    if (context.signal?.aborted) throw errors.lockLost(context.signal.reason);
    try {
      this.version =
        this.version === undefined
          ? await records.create(record)
          : await records.commit(record, this.version);
    } catch (error) {
      this.isStale = true;
      throw error;
    }
    this.record = record;
    this.isUntidy = false;
    await this.removeGarbage();
    await this.tidyUp();
  }

  /** Bytes that count no more are removed only now, that those which replace them are committed. */
  private async removeGarbage(): Promise<void> {
    const { garbage } = this.record;
    if (garbage.length === 0) return;
    const removed = await Promise.allSettled(garbage.map((key) => this.service.bucket.remove(key)));
    // What could not be removed stays named in the record, and is tried again after the next commit.
    const left = garbage.filter((_, index) => removed[index]?.status === 'rejected');
    this.record = { ...this.record, garbage: left };
  }

  /** A complete upload has no segments. */
  private async tidyUp(): Promise<void> {
    const { bucket, keys } = this.service;
    const { complete, untidy, info } = this.record;
    if (!complete || !untidy) return;
    const [removed] = await Promise.allSettled([bucket.removeAll(keys.tailPrefix(info.id))]);
    // The upload is complete all the same; the record goes on saying that there may be some.
    if (removed.status === 'fulfilled') this.record = { ...this.record, untidy: undefined };
  }
}

/** The holder before did not let go; or nobody remembers one of an upload that has begun. */
function isAfterCrash({ multipart, segments }: UploadRecord, lock: Lock | undefined): boolean {
  if (lock === undefined) return false;
  const hasBegun = multipart !== undefined || segments.length > 0;
  return lock.previousToken === undefined ? hasBegun : lock.seized === true;
}
