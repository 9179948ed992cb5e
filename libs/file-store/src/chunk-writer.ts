import fs from 'node:fs';
import type { Readable } from 'node:stream';
import { errors, type StoreContext } from '@nestjs-tus/core';
import { close, fdatasync, ftruncate, open } from './files.js';
import { gather, type Gathered } from './gather.js';
import { isClosed } from './info-record.js';
import { moveToNewInode } from './move-to-new-inode.js';
import { storageError, writeError } from './storage-error.js';
import { isUnsynced, type StoredState } from './stored-state.js';
import { assertHeld, mayBeLost } from './upload-folder.js';
import type { UploadState } from './upload-state.js';

/** The data file, open for writing. */
interface OpenFile {
  readonly fd: number;
  readonly context: StoreContext;
  /** The lock was held after the file had been opened. */
  isChecked: boolean;
}

/** Writes chunks to an upload's data file. */
export class ChunkWriter {
  private opened?: OpenFile;

  constructor(private readonly upload: UploadState) {}

  /** Stores what the source gives. What arrived counts, also when the source breaks or the disk is full. */
  async write(offset: number, source: Readable, context: StoreContext): Promise<number> {
    return this.whileOpen(offset, context, async (fd) => {
      if (this.upload.needsMark(undefined)) await this.upload.mark(offset, undefined, context);
      const gathered = await gather(fd, offset, source, context.signal);
      await this.keep(fd, offset, gathered, context);
      if (gathered.failure) throw writeError(gathered.failure, gathered.bytes);
      return gathered.bytes;
    });
  }

  /** Stores what the source gives, all of it or nothing. A mark in the info says so from before the first byte on. */
  async writeVerified(
    offset: number,
    source: Readable,
    verify: () => Promise<void>,
    context: StoreContext,
  ): Promise<number> {
    return this.whileOpen(offset, context, async (fd) => {
      await this.upload.mark(offset, offset, context);
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
      await this.keep(fd, offset, gathered, context);
      return gathered.bytes;
    });
  }

  /** Uses a file that is open already, until the operation ends. */
  take(fd: number, context: StoreContext): OpenFile {
    const file: OpenFile = { fd, context, isChecked: false };
    this.opened = file;
    context.defer?.(() => this.close(file));
    return file;
  }

  /** Opens the data file with nothing in it from `offset` on, for one chunk. */
  private async whileOpen(
    offset: number,
    context: StoreContext,
    work: (fd: number) => Promise<number>,
  ): Promise<number> {
    const state = this.upload.remembered(context) ?? (await this.upload.read(context));
    if (isClosed(state.stored)) throw errors.uploadCompleted();
    if (offset !== state.offset) throw errors.mismatchOffset(state.offset);
    try {
      const fd = await this.openAt(state, context);
      this.upload.rememberWritten(offset, context);
      return await work(fd);
    } catch (error) {
      this.upload.forget();
      throw error;
    } finally {
      if (!context.defer) await this.close(this.opened);
    }
  }

  private async openAt(state: StoredState, context: StoreContext): Promise<number> {
    const { folder, names } = this.upload;
    try {
      if (state.isSeized) await moveToNewInode(folder, names, state.offset, context);
      const fd = await this.open(names.data, context);
      if (state.size > state.offset && !state.isSeized) await ftruncate(fd, state.offset);
      if (folder.survivesPowerLoss && isUnsynced(state)) await fdatasync(fd);
      return fd;
    } catch (error) {
      throw storageError(error);
    }
  }

  private async open(path: string, context: StoreContext): Promise<number> {
    if (this.opened?.context !== context) await this.close(this.opened);
    const file = this.opened ?? this.take(await open(path, fs.constants.O_WRONLY), context);
    // After opening: whoever took the lock before that has given the data another inode, or will before writing.
    if (!file.isChecked && mayBeLost(context)) await assertHeld(context);
    file.isChecked = true;
    return file.fd;
  }

  private async close(file: OpenFile | undefined): Promise<void> {
    if (!file || this.opened !== file) return;
    this.opened = undefined;
    await close(file.fd);
  }

  /** Makes what was written count. */
  private async keep(
    fd: number,
    offset: number,
    { bytes, failure }: Gathered,
    context: StoreContext,
  ): Promise<void> {
    try {
      if (this.upload.folder.survivesPowerLoss && bytes > 0) await fdatasync(fd);
      if (this.upload.needsMark(undefined)) await this.upload.mark(offset + bytes, undefined, context);
    } catch (error) {
      throw writeError(failure ?? error, 0);
    }
    this.upload.rememberWritten(offset + bytes, context);
  }

  /** Takes back a chunk that is not verified. */
  private async takeBack(fd: number, offset: number, context: StoreContext): Promise<void> {
    try {
      await assertHeld(context);
      await ftruncate(fd, offset);
      await this.upload.mark(offset, undefined, context);
      this.upload.rememberWritten(offset, context);
    } catch {
      // The mark stays, so nothing of the chunk counts, and the next write takes it back. The caller is told why it was refused.
      this.upload.forget();
    }
  }
}
