import type { Readable } from 'node:stream';
import { errors, isUploadId, stateOf } from '@nestjs-tus/core';
import type {
  ByteRange,
  DataStore,
  FileInfo,
  ListFilter,
  ListPage,
  StoreComposer,
  Upload,
} from '@nestjs-tus/core';

/** Uploads for the rest of the app. Nothing here takes a lock: a running upload is not disturbed. */
export class TusService {
  constructor(private readonly composer: StoreComposer) {}

  /** @throws HttpError `ERR_UPLOAD_NOT_FOUND` (404) */
  async info(id: string): Promise<FileInfo> {
    const upload = await this.upload(id);
    return upload.getInfo({});
  }

  /**
   * The content of a finished upload, or `range` of it.
   * @throws HttpError `ERR_UPLOAD_NOT_FOUND` (404), `ERR_INCOMPLETE_UPLOAD` (400)
   */
  async reader(id: string, range?: ByteRange): Promise<Readable> {
    const upload = await this.upload(id);
    if (stateOf(await upload.getInfo({})) !== 'finished') throw errors.incompleteUpload();
    return upload.getReader({}, range);
  }

  /**
   * A page of uploads; `cursor` is that of the page before.
   * @throws HttpError `ERR_NOT_IMPLEMENTED` (501) when the store cannot list
   */
  async list(filter: ListFilter = {}, cursor?: string): Promise<ListPage> {
    const { lister } = this.composer;
    if (!lister) throw errors.notImplemented();
    return lister.list(filter, cursor);
  }

  private async upload(id: string): Promise<Upload> {
    if (!isUploadId(id)) throw errors.notFound();
    return this.store.getUpload(id, {});
  }

  private get store(): DataStore {
    const { core } = this.composer;
    if (!core) throw errors.notImplemented();
    return core;
  }
}
