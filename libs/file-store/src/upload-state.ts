import {
  ErrLockLost,
  ErrUploadDamaged,
  errors,
  type FileInfo,
  hasCode,
  type HttpError,
  type Lock,
  type StoreContext,
} from '@nestjs-tus/core';
import { bootId } from './boot-id.js';
import { isClosed, type Marks, type StoredInfo } from './info-record.js';
import { storageError } from './storage-error.js';
import {
  findContent,
  isUnsynced,
  isWhole,
  readLocked,
  readUnlocked,
  type StoredState,
  syncContent,
} from './stored-state.js';
import type { OpenInfo } from './info-file.js';
import type { UploadFolder } from './upload-folder.js';
import type { UploadNames } from './upload-names.js';

/** What is known of one upload while it is worked on, and the only way in which its stored info changes. */
export class UploadState {
  /** Bytes that have counted once: they go on to. */
  lastOffset?: number;
  /** The info file that an operation has open, as long as it has not been replaced. */
  private changeable?: { readonly info: OpenInfo; readonly context: StoreContext };
  /** Known within one operation: under its lock nobody else changes the upload. */
  private known?: { readonly state: StoredState; readonly context: StoreContext };
  /** The operation for which `stored` was just read: it need not be read again. */
  private readFor?: StoreContext;

  constructor(
    readonly folder: UploadFolder,
    readonly names: UploadNames,
    /** As last read or written. */
    public stored: StoredInfo,
    /** Why nothing else is known of the upload, if so. */
    readonly damage?: HttpError,
  ) {}

  /** Makes sure that there are data, or have been, when the info was just read for `context`. */
  async find(context: StoreContext): Promise<void> {
    this.readFor = context;
    if (this.damage) return;
    if (context.lock) await this.read(context).catch(passDamage);
    else if (!isClosed(this.stored)) await findContent(this.names);
  }

  /** Keeps the open info for what this operation may have to add to it. */
  keepOpen(info: OpenInfo, context: StoreContext): void {
    this.changeable = { info, context };
  }

  /** The state that an earlier step of this operation has read or written. */
  remembered(context: StoreContext): StoredState | undefined {
    return this.known?.context === context ? this.known.state : undefined;
  }

  /** Reads the state, or remembers it where nobody else can have changed it. */
  async read(context: StoreContext): Promise<StoredState> {
    if (this.damage) throw this.damage;
    const known = this.remembered(context);
    if (known) return known;
    try {
      if (!context.lock) return this.noted(await readUnlocked(this.folder, this.names, this.stored));
      const state = this.noted(await this.readUnder(context.lock, context));
      this.remember(state, context);
      return state;
    } catch (error) {
      throw storageError(error);
    }
  }

  /** The state after what this operation did. */
  remember(state: StoredState, context: StoreContext): void {
    this.noted(state);
    // Only an operation that says when it ends is known to be one.
    this.known = context.defer ? { state, context } : undefined;
  }

  /** The data file has `size` bytes, and all of them count. */
  rememberWritten(size: number, context: StoreContext): void {
    this.remember({ stored: this.stored, size, offset: size, isSeized: false }, context);
  }

  /** Has the state read again before it is used next. */
  forget(): void {
    this.known = undefined;
  }

  async replaceInfo(info: FileInfo, context: StoreContext): Promise<void> {
    await this.replace({ info, marks: this.stored.marks }, context);
  }

  /**
   * Writes down that the upload is finished, if all its bytes are there and no hook has a say about it (then the engine says when). From
   * then on its content may change.
   */
  async recordFinish(context: StoreContext): Promise<void> {
    const state = await this.read(context);
    if (this.stored.info.state === undefined && isWhole(state)) await this.finish(context);
  }

  /** False in the ordinary case: no checksum, nothing synced, nothing to say. */
  needsMark(unverifiedFrom: number | undefined): boolean {
    return this.records || unverifiedFrom !== undefined || !isBare(this.stored.marks);
  }

  /** Says that the first `offset` bytes are lasting, and those from `unverifiedFrom` on not to be counted. Writes nothing where that is said already. */
  async mark(offset: number, unverifiedFrom: number | undefined, context: StoreContext): Promise<void> {
    const { marks, info } = this.stored;
    if (!this.needsMark(unverifiedFrom)) return;
    const wanted: Marks = { ...marks, ...(await this.lastingMarks(offset)), unverifiedFrom };
    if (isSame(wanted, marks)) return;
    const isLast = unverifiedFrom === undefined && !info.sizeIsDeferred && offset === info.size;
    // What `recordFinish` would write a moment later.
    const known = isLast && info.state === undefined ? finished(info) : info;
    await this.replace({ info: known, marks: wanted }, context);
  }

  private noted(state: StoredState): StoredState {
    this.stored = state.stored;
    this.lastOffset = state.offset;
    return state;
  }

  private async readUnder(lock: Lock, context: StoreContext): Promise<StoredState> {
    const hasTakenOver = await this.folder.takeOver(this.names, lock);
    const isFresh = this.readFor === context && !hasTakenOver;
    this.readFor = undefined;
    if (!isFresh) {
      const { stored, open } = await this.folder.readInfoUnder(lock, this.stored.info.id, context);
      this.stored = stored;
      this.changeable = open && { info: open, context };
    }
    const read = await readLocked(this.folder, this.names, this.stored, context);
    if (isClosed(read.stored)) return read;
    const state = await this.closed(read, context);
    const lasting =
      this.folder.survivesPowerLoss && isUnsynced(state) ? await this.synced(state, context) : state;
    return this.foundFinished(lasting, context);
  }

  /**
   * At the first look at an upload of another version or server that has all its bytes, that becomes a fact. Where it cannot be written (a
   * disk that is full, or read-only) the next look does it: the upload is finished all the same.
   */
  private async foundFinished(state: StoredState, context: StoreContext): Promise<StoredState> {
    if (state.stored.info.state !== undefined || !isWhole(state)) return state;
    try {
      await this.finish(context);
    } catch (error) {
      if (hasCode(error, ErrLockLost)) throw error;
      return state;
    }
    return { ...state, stored: this.stored };
  }

  /** An offset is reported only when it will last. */
  private async synced(state: StoredState, context: StoreContext): Promise<StoredState> {
    const { info, marks } = state.stored;
    await syncContent(this.names, state);
    const wanted = { info, marks: { ...marks, ...(await this.lastingMarks(state.offset)) } };
    if (await this.replaceIfRoom(wanted, context)) return { ...state, stored: this.stored };
    return { ...state, offset: Math.min(state.offset, marks.syncedOffset ?? state.offset) };
  }

  /** What a holder that has lost its lock writes when it wakes up, into the file that it has open, never counts. */
  private async closed(state: StoredState, context: StoreContext): Promise<StoredState> {
    const { stored, offset } = state;
    if (!state.isSeized || isWhole(state) || stored.marks.unverifiedFrom === offset) return state;
    const wanted = { info: stored.info, marks: { ...stored.marks, unverifiedFrom: offset } };
    return (await this.replaceIfRoom(wanted, context)) ? { ...state, stored: this.stored } : state;
  }

  /** False on a full disk: what was recorded before still holds, and the upload must be readable to be terminated. */
  private async replaceIfRoom(wanted: StoredInfo, context: StoreContext): Promise<boolean> {
    try {
      await this.replace(wanted, context);
      return true;
    } catch (error) {
      if (storageError(error).status !== errors.insufficientStorage().status) throw error;
      return false;
    }
  }

  /** True when an offset that counts is written down, besides being the size of the file. */
  private get records(): boolean {
    return this.folder.survivesPowerLoss || this.stored.info.protocol === 'ietf';
  }

  private async lastingMarks(offset: number): Promise<Pick<Marks, 'syncedOffset' | 'bootId' | 'toldOffset'>> {
    const toldOffset = this.stored.info.protocol === 'ietf' ? offset : undefined;
    if (!this.folder.survivesPowerLoss) return { syncedOffset: undefined, bootId: undefined, toldOffset };
    return { syncedOffset: offset, bootId: await bootId(), toldOffset };
  }

  private async finish(context: StoreContext): Promise<void> {
    const { info, marks } = this.stored;
    const { fd, finishAt } = this.changeable?.context === context ? this.changeable.info : NOT_OPEN;
    if (fd === undefined || finishAt === undefined)
      return this.replace({ info: finished(info), marks }, context);
    try {
      await this.folder.finishInPlace(fd, finishAt, info.id);
    } catch (error) {
      this.changeable = undefined;
      this.forget();
      throw storageError(error);
    }
    this.written({ info: finished(info), marks });
  }

  private async replace({ info, marks }: StoredInfo, context: StoreContext): Promise<void> {
    const stored = { info, marks: { ...marks, revision: this.stored.marks.revision + 1 } };
    try {
      await this.folder.replaceInfo(this.names, stored, context);
    } catch (error) {
      this.changeable = undefined;
      this.forget();
      throw storageError(error);
    }
    this.written(stored);
  }

  private written(stored: StoredInfo): void {
    this.changeable = undefined;
    this.stored = stored;
    if (this.known) this.known = { ...this.known, state: { ...this.known.state, stored } };
  }
}

/** What is finished has no expiry, but a part that no final upload may ever take. */
function finished(info: FileInfo): FileInfo {
  return { ...info, state: 'finished', expiresAt: info.isPartial ? info.expiresAt : undefined };
}

/** An upload whose content is damaged is found, so that it can be removed; each look at it says what is wrong. */
function passDamage(error: unknown): void {
  if (!hasCode(error, ErrUploadDamaged)) throw error;
}

const NOT_OPEN: Partial<OpenInfo> = {};
const NO_MARKS: Marks = { revision: 0 };

function isBare(marks: Marks): boolean {
  return isSame(marks, NO_MARKS);
}

function isSame(a: Marks, b: Marks): boolean {
  return (
    a.unverifiedFrom === b.unverifiedFrom &&
    a.syncedOffset === b.syncedOffset &&
    a.bootId === b.bootId &&
    a.toldOffset === b.toldOffset
  );
}
