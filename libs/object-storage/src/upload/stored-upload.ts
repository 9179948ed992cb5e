import type { Readable } from 'node:stream';
import {
  type ByteRange,
  type ConcatableUpload,
  copyFileInfo,
  ErrLockLost,
  errors,
  hasCode,
  type FileInfo,
  type FileInfoUpdate,
  type LengthDeclarableUpload,
  type ServedContent,
  type StoreContext,
  type TerminatableUpload,
  type UpdatableUpload,
  type Upload,
  type VerifiableUpload,
} from '@nestjs-tus/core';
import { openContent } from '../content/open-content.js';
import { PiecesRefused, storageError } from '../problems.js';
import { saysNothingNew, updated } from '../record/record-changes.js';
import { infoOf, offsetOf } from '../record/upload-record.js';
import { Appending } from './appending.js';
import { concatenate } from './concatenate.js';
import { LostContent } from './lost-content.js';
import { largestUpload } from './part-size.js';
import { markRemoved, removeUpload } from './remove-upload.js';
import type { Storage } from './storage.js';
import { completeParts, leaveOutStrays } from './stray-parts.js';
import { UploadState } from './upload-state.js';

/** An upload in an object storage, and all that the extensions can do with it. */
export class StoredUpload
  implements
    Upload,
    TerminatableUpload,
    ConcatableUpload,
    LengthDeclarableUpload,
    VerifiableUpload,
    UpdatableUpload
{
  /** True until the first look at what has just been read. */
  private isFresh = true;

  constructor(
    private readonly storage: Storage,
    private state: UploadState,
    /** Called when the upload has been removed. */
    private readonly forget: () => void,
  ) {}

  async writeChunk(offset: number, source: Readable, context: StoreContext): Promise<number> {
    return this.run(context, async (state) => {
      const appending = this.append(state, offset, context, true);
      await appending.read(source);
      await appending.flush();
      await appending.rest();
      return this.conclude(appending, state, offset, context);
    });
  }

  async writeVerifiedChunk(
    offset: number,
    source: Readable,
    verify: () => Promise<void>,
    context: StoreContext,
  ): Promise<number> {
    return this.run(context, async (state) => {
      const appending = this.append(state, offset, context, false);
      const isWhole = await appending.read(source);
      try {
        if (isWhole && appending.failure === undefined) {
          // Before the rest is stored: that may make an object that others see.
          await verify();
          await appending.flush();
        }
      } catch (error) {
        await appending.rest();
        await appending.takeBack();
        throw error;
      }
      await appending.rest();
      if (isWhole && appending.failure === undefined) return this.conclude(appending, state, offset, context);
      await appending.takeBack();
      if (appending.failure !== undefined) return this.reject(appending.failure, state, 0, context);
      return 0;
    });
  }

  async getInfo(context: StoreContext): Promise<FileInfo> {
    return this.run(context, async ({ record }) =>
      copyFileInfo(infoOf(record, this.storage.objects.location)),
    );
  }

  async getReader(context: StoreContext, range?: ByteRange): Promise<Readable> {
    return this.runOnContent(context, ({ record }) => openContent(this.storage.objects, record, range));
  }

  async getDownloadUrl(served: ServedContent, context: StoreContext): Promise<string | undefined> {
    const { objects } = this.storage;
    if (!objects.url) return undefined;
    return this.runOnContent(context, async ({ record }) =>
      record.complete ? objects.url?.(record.key, served) : undefined,
    );
  }

  async finishUpload(context: StoreContext): Promise<void> {
    return this.run(context, (state) => this.finish(state, context));
  }

  async terminate(context: StoreContext): Promise<void> {
    return this.run(context, async (state) => {
      if (context.signal?.aborted) throw errors.lockLost(context.signal.reason);
      await markRemoved(state, context);
      await removeUpload(this.storage, state);
      this.forget();
    });
  }

  async concatUploads(partialUploads: Upload[], context: StoreContext): Promise<void> {
    return this.run(context, async (state) => {
      if (state.record.complete) return;
      const partials = await Promise.all(
        partialUploads.map(async (upload) => {
          const { record } = await storedUpload(upload).current({});
          if (record.info.size === 0 && !record.info.sizeIsDeferred) return { key: record.key, size: 0 };
          if (!record.complete) throw errors.uploadNotFinished();
          return { key: record.key, size: record.info.size };
        }),
      );
      await concatenate(this.storage, state, partials, context);
      if (!state.record.complete) await this.complete(state, context);
    });
  }

  async declareLength(length: number, context: StoreContext): Promise<void> {
    return this.run(context, async (state) => {
      failIfTooLarge(this.storage, length);
      // Not at rest: the bytes that come with this request go on with the numbers that are free.
      await state.commit({ info: { ...state.record.info, size: length, sizeIsDeferred: false } }, context);
      if (offsetOf(state.record) === length) await this.finish(state, context);
    });
  }

  async update(changes: FileInfoUpdate, context: StoreContext): Promise<void> {
    return this.run(context, async (state) => {
      const info = updated(state.record.info, changes);
      if (saysNothingNew(state.record, info)) return;
      await state.commitAtRest({ info }, context);
    });
  }

  /** What is known under this operation's lock; without one, what the storage says now. */
  async current(context: StoreContext): Promise<UploadState> {
    const { state } = this;
    if (state.isGone) throw errors.notFound();
    const isOwn = context.lock !== undefined && context.lock === state.lock && !state.isStale;
    if (isOwn || state.isPending || (this.isFresh && !context.lock)) {
      this.isFresh = false;
      return state;
    }
    const known = state.isStale ? undefined : state.stored;
    const read = await this.storage.records.read(state.record.info.id, known);
    if (read.record.lost) throw errors.notFound();
    if (read !== known) this.state = new UploadState(this.storage, read, false, context.lock);
    return this.state;
  }

  /** The content of a complete upload never changes: there is no need to look again. */
  private async runOnContent<T>(context: StoreContext, work: (state: UploadState) => Promise<T>): Promise<T> {
    const { state } = this;
    if (!state.record.complete || state.isGone || state.isStale) return this.run(context, work);
    try {
      return await work(state);
    } catch (error) {
      throw storageError(error, context.signal);
    }
  }

  private async run<T>(context: StoreContext, work: (state: UploadState) => Promise<T>): Promise<T> {
    try {
      return await work(await this.current(context));
    } catch (error) {
      throw storageError(error, context.signal);
    }
  }

  private async finish(state: UploadState, context: StoreContext): Promise<void> {
    if (state.record.complete) return;
    if (state.record.tails.length > 0 || !state.record.session) {
      const appending = this.append(state, offsetOf(state.record), context, true);
      await appending.flush();
      await appending.rest();
      await this.conclude(appending, state, offsetOf(state.record), context);
    }
    if (!state.record.complete) await this.complete(state, context);
  }

  private append(state: UploadState, offset: number, context: StoreContext, counts: boolean): Appending {
    const expected = offsetOf(state.record);
    if (offset !== expected) throw errors.mismatchOffset(expected);
    return new Appending(this.storage, state, context, counts);
  }

  /** Commits what is stored. @returns bytes that count now */
  private async conclude(
    appending: Appending,
    state: UploadState,
    offset: number,
    context: StoreContext,
  ): Promise<number> {
    const countedSoFar = offsetOf(state.record) - offset;
    if (context.signal?.aborted) return this.reject(appending.failure, state, countedSoFar, context);
    if (appending.failure instanceof LostContent) return this.giveUp(state, appending.failure, context);
    try {
      await appending.commit();
    } catch (error) {
      // Another holder has the upload: what was stored here never counts. It is only tidier without it.
      if (hasCode(error, ErrLockLost)) await appending.takeBack().catch(() => undefined);
      throw error;
    }
    const counted = offsetOf(state.record) - offset;
    if (appending.failure !== undefined) return this.reject(appending.failure, state, counted, context);
    return counted;
  }

  private async reject(
    failure: unknown,
    state: UploadState,
    bytesWritten: number,
    context: StoreContext,
  ): Promise<never> {
    if (failure instanceof LostContent && !context.signal?.aborted)
      return this.giveUp(state, failure, context);
    const error = storageError(failure ?? errors.lockLost(), context.signal);
    throw error instanceof Error ? Object.assign(error, { bytesWritten }) : error;
  }

  /** Makes the object of the parts. */
  private async complete(state: UploadState, context: StoreContext): Promise<void> {
    if (state.record.sealed) await leaveOutStrays(this.storage, state, context);
    try {
      await completeParts(this.storage, state.record, state.record.parts, context);
    } catch (error) {
      if (error instanceof LostContent) return this.giveUp(state, error, context);
      if (!(error instanceof PiecesRefused)) throw error;
      await leaveOutStrays(this.storage, state, context, error);
      await completeParts(this.storage, state.record, state.record.parts, context);
    }
    await state.commitAtRest({ complete: true, parts: [], session: undefined }, context);
  }

  /**
   * The service has lost parts or tail: a lifecycle rule has removed them. The record says so first, which fails for a holder whose place another
   * one has taken, and has finished the upload meanwhile.
   */
  private async giveUp(state: UploadState, cause: unknown, context: StoreContext): Promise<never> {
    await state.commit({ lost: new Date().toISOString() }, context);
    await removeUpload(this.storage, state);
    this.forget();
    throw errors.uploadExpired(cause);
  }
}

/** @throws TypeError for an upload of another kind of store */
export function storedUpload(upload: Upload): StoredUpload {
  if (upload instanceof StoredUpload) return upload;
  throw new TypeError('This upload was not made by a store of objects.');
}

/** @throws HttpError `ERR_MAX_SIZE_EXCEEDED` */
export function failIfTooLarge({ sizing }: Storage, size: number): void {
  if (size > largestUpload(sizing)) throw errors.maxSizeExceeded();
}
