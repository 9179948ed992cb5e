import { Readable } from 'node:stream';
import fs from 'node:fs';
import {
  type ByteRange,
  type ConcatableUpload,
  errors,
  type FileInfo,
  type FileInfoUpdate,
  type LengthDeclarableUpload,
  type Lock,
  type StoreContext,
  type TerminatableUpload,
  type UpdatableUpload,
  type Upload,
  type VerifiableUpload,
} from '@nestjs-tus/core';
import { bootId } from './boot-id.js';
import { type FilePart, joinFiles } from './join-files.js';
import { close, fdatasync, ftruncate, hasErrno, open, remove } from './files.js';
import { gather, type Gathered } from './gather.js';
import type { Marks, StoredInfo } from './info-record.js';
import { moveToNewInode } from './move-to-new-inode.js';
import { storageError, writeError } from './storage-error.js';
import {
  findContent,
  isUnsynced,
  readLocked,
  readUnlocked,
  type StoredState,
  syncContent,
} from './stored-state.js';
import { assertHeld, type UploadFolder } from './upload-folder.js';
import { temporaryNames, tokenInName, tokenOf, type UploadNames } from './upload-names.js';

/** An upload in a folder, and all that its extensions can do with it. */
export class FileUpload
  implements
    Upload,
    TerminatableUpload,
    ConcatableUpload,
    LengthDeclarableUpload,
    VerifiableUpload,
    UpdatableUpload
{
  /** Known within one operation: under its lock nobody else changes the upload. */
  private known?: { readonly state: StoredState; readonly context: StoreContext };
  /** The operation for which `stored` was just read: it need not be read again. */
  private readFor?: StoreContext;
  /** Bytes that have counted once: they go on to. */
  private lastOffset?: number;
  /** The data file, open for writing until the operation's end. */
  private opened?: { readonly fd: number; readonly context: StoreContext; isTrusted: boolean };

  constructor(
    private readonly folder: UploadFolder,
    private readonly names: UploadNames,
    /** As last read or written. */
    private stored: StoredInfo,
  ) {}

  /** Takes the file that was made for a new upload: what comes with the creation needs not open it again. */
  static created(
    folder: UploadFolder,
    names: UploadNames,
    stored: StoredInfo,
    fd: number,
    context: StoreContext,
  ): FileUpload {
    const upload = new FileUpload(folder, names, stored);
    upload.keep(fd, context);
    upload.remember({ stored, size: 0, offset: 0, isSeized: false }, context);
    return upload;
  }

  async getInfo(context: StoreContext): Promise<FileInfo> {
    const { stored, offset } = await this.state(context);
    return { ...stored.info, offset };
  }

  async writeChunk(offset: number, source: Readable, context: StoreContext): Promise<number> {
    return this.whileOpen(offset, context, async (fd) => {
      await this.mark(await this.marksAt(offset), context);
      const gathered = await gather(fd, offset, source, context.signal);
      await this.keepWritten(fd, offset, gathered, context);
      if (gathered.failure) throw writeError(gathered.failure, gathered.bytes);
      return gathered.bytes;
    });
  }

  async writeVerifiedChunk(
    offset: number,
    source: Readable,
    verify: () => Promise<void>,
    context: StoreContext,
  ): Promise<number> {
    return this.whileOpen(offset, context, async (fd) => {
      await this.mark({ ...(await this.marksAt(offset)), unverifiedFrom: offset }, context);
      const gathered = await gather(fd, offset, source, context.signal);
      try {
        if (gathered.failure) throw writeError(gathered.failure, 0);
        if (gathered.ended) await verify();
      } catch (error) {
        await this.takeBack(fd, offset, context);
        throw error;
      }
      if (!gathered.ended) {
        await this.takeBack(fd, offset, context);
        return 0;
      }
      await this.keepWritten(fd, offset, gathered, context);
      return gathered.bytes;
    });
  }

  async getReader(context: StoreContext, range?: ByteRange): Promise<Readable> {
    const offset = this.lastOffset ?? (await this.state(context)).offset;
    const start = range?.start ?? 0;
    const end = Math.min(range?.end ?? offset - 1, offset - 1);
    if (start > end) return Readable.from([], { objectMode: false });
    const fd = await openContent(this.names).catch((error: unknown) => {
      throw storageError(error);
    });
    return fs.createReadStream('', { fd, start, end });
  }

  /** Everything that is promised was done when the bytes came. */
  async finishUpload(context: StoreContext): Promise<void> {
    if (this.folder.survivesPowerLoss) await this.state(context);
  }

  async terminate(context: StoreContext): Promise<void> {
    await assertHeld(context);
    const { names } = this;
    this.known = undefined;
    try {
      await remove(names.data);
      await remove(names.seized);
      await remove(names.info);
      for (const token of tokensOf(context)) {
        const temporary = temporaryNames(names, token);
        await remove(temporary.info);
        await remove(temporary.data);
      }
      await this.folder.syncNames(names.data, names.info);
    } catch (error) {
      throw storageError(error);
    }
  }

  async concatUploads(partialUploads: Upload[], context: StoreContext): Promise<void> {
    const partials = partialUploads.map(ownUpload);
    await this.state(context);
    const temporary = temporaryNames(this.names, tokenOf(context.lock)).data;
    try {
      const parts: FilePart[] = [];
      for (const partial of partials) parts.push(await partial.asPart());
      const size = await joinFiles(parts, temporary, {
        isDurable: this.folder.survivesPowerLoss,
        signal: context.signal,
      });
      await this.folder.commit(temporary, this.names.data, context);
      await remove(this.names.seized);
      await this.mark(
        { ...this.stored.marks, ...(await this.syncedMarks(size)), unverifiedFrom: undefined },
        context,
      );
      this.remember({ stored: this.stored, size, offset: size, isSeized: false }, context);
    } catch (error) {
      this.known = undefined;
      await remove(temporary);
      throw storageError(error);
    }
  }

  async declareLength(length: number, context: StoreContext): Promise<void> {
    await this.update({ size: length, sizeIsDeferred: false }, context);
  }

  async update(changes: FileInfoUpdate, context: StoreContext): Promise<void> {
    const { stored } = await this.state(context);
    await this.replace({ ...stored, info: withChanges(stored.info, changes) }, context);
  }

  /** True for every upload when there is no `time`. */
  expiresBefore(time: Date | undefined): boolean {
    const { expiresAt } = this.stored.info;
    return time === undefined || (expiresAt !== undefined && expiresAt < time);
  }

  /** Makes sure that the upload is whole: its info was read for `context`. */
  async found(context: StoreContext): Promise<this> {
    this.readFor = context;
    if (context.lock) await this.state(context);
    else await findContent(this.names);
    return this;
  }

  /** Reads the state, or remembers it where nobody else can have changed it. */
  private async state(context: StoreContext): Promise<StoredState> {
    if (this.known?.context === context) return this.known.state;
    try {
      const state = context.lock
        ? await this.readUnder(context.lock, context)
        : await readUnlocked(this.folder, this.names, this.stored);
      this.stored = state.stored;
      this.lastOffset = state.offset;
      if (context.lock) this.remember(state, context);
      return state;
    } catch (error) {
      throw storageError(error);
    }
  }

  private async readUnder(lock: Lock, context: StoreContext): Promise<StoredState> {
    const hasTakenOver = await this.folder.takeOver(this.names, lock);
    if (hasTakenOver || this.readFor !== context)
      this.stored = await this.folder.readInfo(this.stored.info.id);
    this.readFor = undefined;
    const state = await readLocked(this.folder, this.names, this.stored, context);
    return this.folder.survivesPowerLoss && isUnsynced(state) ? this.synced(state, context) : state;
  }

  /** An offset is reported only when it will last. */
  private async synced(state: StoredState, context: StoreContext): Promise<StoredState> {
    await syncContent(this.names, state);
    try {
      await this.replace(
        { ...state.stored, marks: { ...state.stored.marks, ...(await this.syncedMarks(state.offset)) } },
        context,
      );
      return { ...state, stored: this.stored };
    } catch (error) {
      // A full disk: what was recorded before still holds, and the upload must be readable to be terminated.
      if (storageError(error).status !== errors.insufficientStorage().status) throw error;
      return { ...state, offset: Math.min(state.offset, state.stored.marks.syncedOffset ?? state.offset) };
    }
  }

  private remember(state: StoredState, context: StoreContext): void {
    this.stored = state.stored;
    this.lastOffset = state.offset;
    // Only an operation that says when it ends is known to be one.
    this.known = context.defer ? { state, context } : undefined;
  }

  /** Opens the data file with nothing in it from `offset` on, for one chunk. */
  private async whileOpen(
    offset: number,
    context: StoreContext,
    work: (fd: number) => Promise<number>,
  ): Promise<number> {
    const state = await this.state(context);
    if (offset !== state.offset) throw errors.mismatchOffset(state.offset);
    try {
      const fd = await this.openAt(state, context);
      this.remember({ ...state, stored: this.stored, size: offset, isSeized: false }, context);
      return await work(fd);
    } catch (error) {
      this.known = undefined;
      throw error;
    } finally {
      if (!context.defer) await this.close();
    }
  }

  private async openAt(state: StoredState, context: StoreContext): Promise<number> {
    try {
      if (state.isSeized) await moveToNewInode(this.folder, this.names, state.offset, context);
      const fd = await this.openForWriting(context);
      if (state.size > state.offset && !state.isSeized) await ftruncate(fd, state.offset);
      if (this.folder.survivesPowerLoss && isUnsynced(state)) await fdatasync(fd);
      return fd;
    } catch (error) {
      throw storageError(error);
    }
  }

  private async openForWriting(context: StoreContext): Promise<number> {
    if (this.opened?.context !== context) {
      await this.close();
      this.keep(await openExisting(this.names.data, fs.constants.O_WRONLY), context);
    }
    const { opened } = this;
    if (!opened) throw errors.internal(new Error('the data file was closed while it was opened'));
    // After opening: whoever took the lock before that has given the data another inode, or will before writing.
    if (!opened.isTrusted) await assertHeld(context);
    opened.isTrusted = true;
    return opened.fd;
  }

  private keep(fd: number, context: StoreContext): void {
    this.opened = { fd, context, isTrusted: false };
    context.defer?.(() => this.close());
  }

  private async close(): Promise<void> {
    const { opened } = this;
    this.opened = undefined;
    if (opened) await close(opened.fd);
  }

  /** The marks of an upload that is about to get bytes at `offset`, all before which are lasting. */
  private async marksAt(offset: number): Promise<Marks> {
    return { ...this.stored.marks, ...(await this.syncedMarks(offset)), unverifiedFrom: undefined };
  }

  private async syncedMarks(offset: number): Promise<Pick<Marks, 'syncedOffset' | 'bootId'>> {
    if (!this.folder.survivesPowerLoss) return { syncedOffset: undefined, bootId: undefined };
    return { syncedOffset: offset, bootId: await bootId() };
  }

  /** Writes the marks, unless they are there. */
  private async mark(marks: Marks, context: StoreContext): Promise<void> {
    if (isSame(marks, this.stored.marks)) return;
    await this.replace({ ...this.stored, marks }, context);
  }

  /** Makes what was written count. */
  private async keepWritten(
    fd: number,
    offset: number,
    { bytes, failure }: Gathered,
    context: StoreContext,
  ): Promise<void> {
    try {
      if (this.folder.survivesPowerLoss && bytes > 0) await fdatasync(fd);
      await this.mark(await this.marksAt(offset + bytes), context);
    } catch (error) {
      throw writeError(failure ?? error, 0);
    }
    this.remember(
      { stored: this.stored, size: offset + bytes, offset: offset + bytes, isSeized: false },
      context,
    );
  }

  /** Takes back a chunk that is not verified. */
  private async takeBack(fd: number, offset: number, context: StoreContext): Promise<void> {
    try {
      await assertHeld(context);
      await ftruncate(fd, offset);
      await this.mark(await this.marksAt(offset), context);
      this.remember({ stored: this.stored, size: offset, offset, isSeized: false }, context);
    } catch {
      // The mark stays, so nothing of the chunk counts, and the next write takes it back. The caller has the reason why it was refused.
      this.known = undefined;
    }
  }

  /** The only way in which a stored info changes. */
  private async replace({ info, marks }: StoredInfo, context: StoreContext): Promise<void> {
    const stored = { info, marks: { ...marks, revision: this.stored.marks.revision + 1 } };
    try {
      await this.folder.replaceInfo(this.names, stored, context);
    } catch (error) {
      this.known = undefined;
      throw storageError(error);
    }
    this.stored = stored;
    if (this.known) this.known = { ...this.known, state: { ...this.known.state, stored } };
  }

  /** As a part of a final upload. */
  private async asPart(): Promise<FilePart> {
    const { offset, isSeized } = await readUnlocked(this.folder, this.names, this.stored);
    return { path: isSeized ? this.names.seized : this.names.data, length: offset };
  }
}

export function ownUpload(upload: Upload): FileUpload {
  if (upload instanceof FileUpload) return upload;
  throw new TypeError(
    'FileStore: this upload was not made by a FileStore. Pass what its newUpload or getUpload gave.',
  );
}

function withChanges(info: FileInfo, changes: FileInfoUpdate): FileInfo {
  const { state, expiresAt, context, pendingFinals, answer, size, sizeIsDeferred } = changes;
  return {
    ...info,
    state: state ?? info.state,
    expiresAt: expiresAt === null ? undefined : (expiresAt ?? info.expiresAt),
    context: context === null ? undefined : (context ?? info.context),
    pendingFinals: pendingFinals ? [...pendingFinals] : info.pendingFinals,
    answer: answer ?? info.answer,
    size: size ?? info.size,
    sizeIsDeferred: sizeIsDeferred ?? info.sizeIsDeferred,
  };
}

function isSame(a: Marks, b: Marks): boolean {
  return a.unverifiedFrom === b.unverifiedFrom && a.syncedOffset === b.syncedOffset && a.bootId === b.bootId;
}

function tokensOf({ lock }: StoreContext): string[] {
  return [lock?.token, lock?.previousToken].filter((token) => token !== undefined).map(tokenInName);
}

async function openExisting(path: string, flags: number): Promise<number> {
  return open(path, flags).catch((error: unknown) => {
    throw hasErrno(error, 'ENOENT') ? errors.notFound(error) : error;
  });
}

async function openContent(names: UploadNames): Promise<number> {
  const fd = await open(names.data, 'r').catch((error: unknown) => {
    if (!hasErrno(error, 'ENOENT')) throw error;
  });
  return fd ?? openExisting(names.seized, fs.constants.O_RDONLY);
}
