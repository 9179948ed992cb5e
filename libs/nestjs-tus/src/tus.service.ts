import type { Readable } from 'node:stream';
import { errors, isUploadId, stateOf } from '@nestjs-tus/core';
import type {
  ByteRange,
  DataStore,
  FileInfo,
  ListFilter,
  ListPage,
  StoreComposer,
  TusHandler,
  Upload,
} from '@nestjs-tus/core';

/**
 * Uploads for the rest of the app. Looking takes no lock, so that a running upload is not disturbed; what changes an upload takes the
 * lock that requests take, in whichever process they run.
 */
export class TusService {
  constructor(
    private readonly composer: StoreComposer,
    private readonly handler: Pick<TusHandler, 'terminate' | 'interrupt' | 'expire'>,
  ) {}

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

  /**
   * Removes an upload, finished or not. No hook is asked; the stream `terminated$` tells it. A request that is receiving it is ended.
   * @throws HttpError `ERR_UPLOAD_NOT_FOUND` (404), `ERR_NOT_IMPLEMENTED` (501) when the store cannot, `ERR_UPLOAD_LOCKED` (423)
   */
  terminate(id: string): Promise<void> {
    return this.handler.terminate(id);
  }

  /**
   * Ends the request that is receiving an upload, if there is one. What arrived is kept; clients go on at once, unless a guard or
   * hook refuses them.
   * @throws HttpError `ERR_UPLOAD_NOT_FOUND` (404), `ERR_UPLOAD_LOCKED` (423)
   */
  interrupt(id: string): Promise<void> {
    return this.handler.interrupt(id);
  }

  /**
   * Removes an unfinished upload as if its time were over; the stream `expired$` tells it.
   * @returns false for a finished upload, which stays
   * @throws HttpError `ERR_UPLOAD_NOT_FOUND` (404), `ERR_NOT_IMPLEMENTED` (501) when the store cannot, `ERR_UPLOAD_LOCKED` (423)
   */
  expire(id: string): Promise<boolean> {
    return this.handler.expire(id);
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
