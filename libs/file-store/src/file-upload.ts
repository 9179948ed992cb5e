import fs from 'node:fs';
import { Readable } from 'node:stream';
import {
  type ByteRange,
  type ConcatableUpload,
  errors,
  type FileInfo,
  type FileInfoUpdate,
  type HttpError,
  type LengthDeclarableUpload,
  type OpenContent,
  type StoreContext,
  type TerminatableUpload,
  type UpdatableUpload,
  type Upload,
  type VerifiableUpload,
} from '@nestjs-tus/core';
import { ChunkWriter } from './chunk-writer.js';
import { close, remove } from './files.js';
import type { OpenInfo } from './info-file.js';
import { isClosed, type StoredInfo } from './info-record.js';
import { type FilePart, joinFiles } from './join-files.js';
import { openContent, openForReading, readNow } from './open-content.js';
import { DamagedInfo, isMadeId } from './parse-info.js';
import { storageError } from './storage-error.js';
import { findContent, readUnlocked } from './stored-state.js';
import { assertHeld, type UploadFolder } from './upload-folder.js';
import { temporaryNames, tokenInName, tokenOf, type UploadNames } from './upload-names.js';
import { UploadState } from './upload-state.js';

/** The two files of a new upload, open. */
export interface MadeFiles {
  readonly data: number;
  readonly info: OpenInfo;
}

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
  private readonly current: UploadState;
  private readonly chunks: ChunkWriter;

  /**
   * @param stored the info, just read or written
   * @param damage why it could not be read: then all that can be done with the upload is to remove it
   */
  constructor(
    private readonly folder: UploadFolder,
    private readonly names: UploadNames,
    stored: StoredInfo,
    damage?: HttpError,
  ) {
    this.current = new UploadState(folder, names, stored, damage);
    this.chunks = new ChunkWriter(this.current);
  }

  /** Goes on with the files that were made for this new upload: what comes with the creation needs not open them again. */
  continueWith({ data, info }: MadeFiles, context: StoreContext): this {
    this.chunks.take(data, context);
    context.defer?.(() => close(info.fd));
    this.current.keepOpen(info, context);
    this.current.rememberWritten(0, context);
    return this;
  }

  /**
   * @param open the info, if this operation has it open
   * @throws HttpError `ERR_UPLOAD_NOT_FOUND` when there are no data
   */
  async found(context: StoreContext, open?: OpenInfo): Promise<this> {
    if (open) this.current.keepOpen(open, context);
    await this.current.find(context);
    return this;
  }

  async getInfo(context: StoreContext): Promise<FileInfo> {
    const { stored, offset } = this.current.remembered(context) ?? (await this.current.read(context));
    return { ...stored.info, offset };
  }

  writeChunk(offset: number, source: Readable, context: StoreContext): Promise<number> {
    return this.chunks.write(offset, source, context);
  }

  writeVerifiedChunk(
    offset: number,
    source: Readable,
    verify: () => Promise<void>,
    context: StoreContext,
  ): Promise<number> {
    return this.chunks.writeVerified(offset, source, verify, context);
  }

  async openContent(context: StoreContext): Promise<OpenContent> {
    const { stored } = this.current.remembered(context) ?? (await this.current.read(context));
    return openContent(this.names, stored.info.id);
  }

  async getReader(context: StoreContext, range?: ByteRange): Promise<Readable> {
    if (isClosed(this.current.stored)) return readNow(this.names, this.current.stored.info.id, range);
    const offset = this.current.lastOffset ?? (await this.current.read(context)).offset;
    const start = range?.start ?? 0;
    const end = Math.min(range?.end ?? offset - 1, offset - 1);
    if (start > end) return Readable.from([], { objectMode: false });
    return fs.createReadStream('', { fd: await openForReading(this.names, errors.notFound), start, end });
  }

  /** What is promised of the bytes was done when they came; what another server or a killed process left is caught up with here. */
  async finishUpload(context: StoreContext): Promise<void> {
    await this.current.recordFinish(context);
  }

  /** The data first: they are what takes space, and an info without data is no upload. */
  async terminate(context: StoreContext): Promise<void> {
    const { names } = this;
    const { damage, stored } = this.current;
    if (damage && !isRemovable(damage, stored.info.id)) throw damage;
    await assertHeld(context);
    this.current.forget();
    try {
      await remove(names.data);
      await remove(names.seized);
      await remove(names.info);
      for (const token of tokensIn(context)) {
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
    await this.current.read(context);
    const temporary = temporaryNames(this.names, tokenOf(context.lock)).data;
    try {
      const parts: FilePart[] = [];
      for (const partial of partials) parts.push(await partial.asPart());
      const options = { isDurable: this.folder.survivesPowerLoss, signal: context.signal };
      const size = await joinFiles(parts, temporary, options);
      await this.folder.commit(temporary, this.names.data, context);
      await remove(this.names.seized);
      await this.current.mark(size, undefined, context);
      this.current.rememberWritten(size, context);
    } catch (error) {
      this.current.forget();
      await remove(temporary);
      throw storageError(error);
    }
  }

  async declareLength(length: number, context: StoreContext): Promise<void> {
    await this.update({ size: length, sizeIsDeferred: false }, context);
  }

  async update(changes: FileInfoUpdate, context: StoreContext): Promise<void> {
    const { stored } = await this.current.read(context);
    await this.current.replaceInfo(withChanges(stored.info, changes), context);
  }

  /** @throws HttpError `ERR_UPLOAD_DAMAGED` when nothing can be read of the upload */
  failIfDamaged(): void {
    const { damage } = this.current;
    if (damage) throw damage;
  }

  /** True for every upload when there is no `time`. Looks at the info that was read last. */
  expiresBefore(time: Date | undefined): boolean {
    const { expiresAt } = this.current.stored.info;
    return time === undefined || (expiresAt !== undefined && expiresAt < time);
  }

  /** @throws HttpError `ERR_UPLOAD_DAMAGED` when the application has changed the content of this finished part */
  private async asPart(): Promise<FilePart> {
    const { offset } = await readUnlocked(this.folder, this.names, this.current.stored);
    const { size, isSeized } = await findContent(this.names);
    const path = isSeized ? this.names.seized : this.names.data;
    if (size < offset || (size > offset && isClosed(this.current.stored)))
      throw errors.uploadDamaged(
        new Error(`${path} has ${size} bytes, and had ${offset} when it was finished`),
      );
    return { path, length: offset };
  }
}

/** @throws TypeError for another store's upload */
export function ownUpload(upload: Upload): FileUpload {
  if (upload instanceof FileUpload) return upload;
  throw new TypeError(
    'FileStore: this upload was not made by a FileStore. Pass what its newUpload or getUpload gave.',
  );
}

function withChanges(info: FileInfo, changes: FileInfoUpdate): FileInfo {
  const { state, expiresAt, context, pendingFinals, answer, size, sizeIsDeferred, untold } = changes;
  return {
    ...info,
    state: state ?? info.state,
    expiresAt: expiresAt === null ? undefined : (expiresAt ?? info.expiresAt),
    context: context === null ? undefined : (context ?? info.context),
    pendingFinals: pendingFinals ? [...pendingFinals] : info.pendingFinals,
    answer: answer ?? info.answer,
    size: size ?? info.size,
    sizeIsDeferred: sizeIsDeferred ?? info.sizeIsDeferred,
    untold: (untold ?? info.untold) || undefined,
  };
}

/** True where it is certain that the files are an upload's, and nothing that the operator keeps in the folder. */
function isRemovable({ cause }: HttpError, id: string): boolean {
  return cause instanceof DamagedInfo || isMadeId(id);
}

/** The locks whose temporary files can be there. */
function tokensIn({ lock }: StoreContext): string[] {
  return [lock?.token, lock?.previousToken].filter((token) => token !== undefined).map(tokenInName);
}
