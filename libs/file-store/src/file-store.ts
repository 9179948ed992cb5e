import { statfs } from 'node:fs/promises';
import { relative } from 'node:path';
import {
  type ConcatableUpload,
  type ConcaterDataStore,
  type DataStore,
  errors,
  type FileInfo,
  hasCode,
  type HttpError,
  isHttpError,
  type LengthDeclarableUpload,
  type LengthDeferrerDataStore,
  type ListFailure,
  ErrNotFound,
  ErrUploadDamaged,
  type ListerDataStore,
  type ListFilter,
  type ListPage,
  stateOf,
  type StoreCheck,
  type StoreComposer,
  type StoreContext,
  type TerminatableUpload,
  type TerminaterDataStore,
  type UpdatableUpload,
  type UpdaterDataStore,
  type Upload,
  useStoreIn,
  type VerifiableUpload,
  type VerifierDataStore,
} from '@nestjs-tus/core';
import { bootId } from './boot-id.js';
import { FileUpload, type MadeFiles, ownUpload } from './file-upload.js';
import { hasErrno } from './errno.js';
import { close, readdir, remove } from './files.js';
import type { OpenInfo } from './info-file.js';
import type { Marks, StoredInfo } from './info-record.js';
import { DamagedInfo } from './parse-info.js';
import { type FileStoreOptions, resolveOptions } from './options.js';
import { storageError } from './storage-error.js';
import { UploadFolder } from './upload-folder.js';
import { idOfInfo, isStorableId, namesForNew, namesOfExisting, type UploadNames } from './upload-names.js';

/** Uploads on one page of `list` when the filter names no limit. */
const DEFAULT_PAGE = 100;

/**
 * Keeps each upload in two files of a folder: `<id>`, its bytes, and `<id>.info`, what is known of it, in the format of
 * tusd. The offset is the size of the first, so that it is right after the end of the process at any instant.
 *
 * @example
 * new FileStore({ directory: './uploads', durability: 'power-loss' }).useIn(composer);
 */
export class FileStore
  implements
    DataStore,
    TerminaterDataStore,
    ConcaterDataStore,
    LengthDeferrerDataStore,
    VerifierDataStore,
    UpdaterDataStore,
    ListerDataStore
{
  /** Several processes may use one folder, with a locker that spans them too. */
  readonly spansProcesses = true;
  private readonly folder: UploadFolder;

  /** @throws TypeError for an option that cannot be used */
  constructor(options: FileStoreOptions) {
    this.folder = new UploadFolder(resolveOptions(options));
  }

  /** Makes this the store of `composer`, with all its extensions. */
  useIn(composer: StoreComposer): void {
    useStoreIn(this, composer);
  }

  /** Makes the directory; rejects with a text for the operator when it cannot be written. */
  async init(): Promise<void> {
    await this.folder.prepare();
  }

  /** Writes and removes an empty file. `freeBytes` is what the file system leaves to this user. */
  async check(): Promise<StoreCheck> {
    await this.folder.probe();
    const { bavail, bsize } = await statfs(this.folder.directory);
    return { freeBytes: bavail * bsize };
  }

  /**
   * @throws HttpError `ERR_UPLOAD_EXISTS` (409), also when the file that `storage.path` names exists
   * @throws TypeError for an id or a `storage.path` that cannot be used
   */
  async newUpload(info: FileInfo, context: StoreContext): Promise<Upload> {
    const names = namesForNew(this.folder.directory, info.id, info.storage?.path);
    const stored: StoredInfo = {
      info: { ...info, offset: 0, storage: this.storageOf(info, names) },
      marks: this.folder.survivesPowerLoss ? await syncedMarks() : { revision: 1 },
    };
    try {
      const files = await this.createFiles(names, stored, context);
      const upload = new FileUpload(this.folder, names, stored);
      if (context.defer) return upload.continueWith(files, context);
      await close(files.info.fd);
      await close(files.data);
      return upload;
    } catch (error) {
      throw hasErrno(error, 'EEXIST') ? errors.uploadExists(error) : storageError(error);
    }
  }

  async getUpload(id: string, context: StoreContext): Promise<Upload> {
    if (!isStorableId(id)) throw errors.notFound();
    try {
      const { upload, open } = await this.find(id, context);
      return await upload.found(context, open);
    } catch (error) {
      throw storageError(error);
    }
  }

  asTerminatableUpload(upload: Upload): TerminatableUpload {
    return ownUpload(upload);
  }

  asConcatableUpload(upload: Upload): ConcatableUpload {
    return ownUpload(upload);
  }

  asLengthDeclarableUpload(upload: Upload): LengthDeclarableUpload {
    return ownUpload(upload);
  }

  asVerifiableUpload(upload: Upload): VerifiableUpload {
    return ownUpload(upload);
  }

  asUpdatableUpload(upload: Upload): UpdatableUpload {
    return ownUpload(upload);
  }

  /**
   * Uploads in the order of their ids; a cursor is the last id of the page before. What cannot be read is among the failures; an info that
   * was written a moment ago may be incomplete, and is passed over.
   */
  async list(filter: ListFilter, cursor?: string): Promise<ListPage> {
    const limit = Math.max(filter.limit ?? DEFAULT_PAGE, 1);
    const uploads: FileInfo[] = [];
    const failures: ListFailure[] = [];
    for (const id of await this.idsAfter(cursor)) {
      if (uploads.length === limit) return { uploads, failures, cursor: uploads.at(-1)?.id };
      try {
        const info = await this.infoIfMatching(id, filter);
        if (info) uploads.push(info);
      } catch (error) {
        const failure = storageError(error);
        const isTorn = failure.cause instanceof DamagedInfo && failure.cause.isTorn;
        if (!isTorn || (await this.folder.isSettled(id))) failures.push({ id, error: failure });
      }
    }
    return { uploads, failures };
  }

  private async idsAfter(cursor: string | undefined): Promise<string[]> {
    const names = await readdir(this.folder.directory).catch((error: unknown) => {
      throw storageError(error);
    });
    const ids = names.map(idOfInfo).filter((id) => id !== undefined);
    return ids.filter((id) => cursor === undefined || id > cursor).sort();
  }

  /** What is not an upload, or not any more, is passed over. */
  private async infoIfMatching(id: string, filter: ListFilter): Promise<FileInfo | undefined> {
    try {
      const { upload } = await this.find(id, {});
      upload.failIfDamaged();
      if (!upload.expiresBefore(filter.expiresBefore)) return undefined;
      const info = await upload.getInfo({});
      return filter.state === undefined || stateOf(info) === filter.state ? info : undefined;
    } catch (error) {
      if (hasCode(error, ErrNotFound)) return undefined;
      throw storageError(error);
    }
  }

  private async find(id: string, context: StoreContext): Promise<FoundUpload> {
    const { stored, damage, open } = await this.readInfo(id, context);
    const names = namesOfExisting(this.folder.directory, id, stored.info.storage);
    if (!names) throw errors.notFound(new Error(`the info of ${id} names a file outside the directory`));
    return { upload: new FileUpload(this.folder, names, stored, damage), open };
  }

  /** An info, or that it is damaged: such an upload can still be removed. */
  private async readInfo(id: string, context: StoreContext): Promise<FoundInfo> {
    try {
      if (context.lock) return await this.folder.readInfoUnder(context.lock, id, context);
      return { stored: await this.folder.readInfo(id) };
    } catch (error) {
      if (!hasCode(error, ErrUploadDamaged) || !isHttpError(error)) throw error;
      return { stored: unreadable(id), damage: error };
    }
  }

  /**
   * Makes both files, or neither; answers them open. The info first: where it is, there is an upload, even if its data
   * have another name for a while.
   */
  private async createFiles(
    names: UploadNames,
    stored: StoredInfo,
    { lock }: StoreContext,
  ): Promise<MadeFiles> {
    const info = await this.folder.createInfo(names, stored, lock);
    try {
      return { info, data: await this.folder.createData(names) };
    } catch (error) {
      await close(info.fd);
      await remove(names.info);
      throw error;
    }
  }

  /** tusd's keys with what it writes there; `path` beside them stays right when the folder is moved. */
  private storageOf({ storage }: FileInfo, names: UploadNames): Record<string, string> {
    const placed: Record<string, string> =
      storage?.path === undefined ? {} : { path: relative(this.folder.directory, names.data) };
    return { ...storage, ...placed, Type: 'filestore', Path: names.data, InfoPath: names.info };
  }
}

/** Of a new upload, whose offset is to survive a loss of power. */
async function syncedMarks(): Promise<Marks> {
  return { revision: 1, syncedOffset: 0, bootId: await bootId() };
}

interface FoundUpload {
  readonly upload: FileUpload;
  readonly open?: OpenInfo;
}

interface FoundInfo {
  readonly stored: StoredInfo;
  readonly damage?: HttpError;
  readonly open?: OpenInfo;
}

/** What stands for the info of an upload that cannot be read. */
function unreadable(id: string): StoredInfo {
  const nothing = { size: 0, sizeIsDeferred: true, offset: 0, metaData: {}, partialUploads: [] };
  return { info: { ...nothing, id, isPartial: false, isFinal: false }, marks: { revision: 0 } };
}
