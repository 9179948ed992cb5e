import type { Engine } from '../engine.js';
import { errors } from '../errors.js';
import { stateOf, type FileInfo } from '../file-info.js';
import type { StoreContext, Upload } from '../store/data-store.js';
import { isUploadId } from '../upload-id.js';
import { load } from './join.js';
import { infoUnlessDamaged, remove, removeDamaged } from './terminate.js';
import { underLock } from './under-lock.js';

/**
 * Removes an upload for good, because the application wants it so: no hook is asked. A request that is receiving it is made to let
 * go first.
 * @throws HttpError `ERR_UPLOAD_NOT_FOUND` (404), `ERR_NOT_IMPLEMENTED` (501) when the store cannot, `ERR_UPLOAD_LOCKED` (423)
 */
export async function terminateByApplication(engine: Engine, uploadId: string): Promise<void> {
  if (!engine.composer.usesTerminater) throw errors.notImplemented();
  if (!isUploadId(uploadId)) throw errors.notFound();
  // Looked at without a lock: what is not there interrupts nobody.
  await engine.store.getUpload(uploadId, {});
  await underLock(engine, undefined, uploadId, async (scope) => {
    const upload = await engine.store.getUpload(uploadId, scope);
    const info = await infoUnlessDamaged(upload, scope);
    if (info) await remove(engine, undefined, upload, info, scope);
    else await removeDamaged(engine, undefined, upload, uploadId, scope);
  });
}

/**
 * Makes a request that is receiving an upload let go: what arrived is kept, and its client is told to come back (400
 * `ERR_UPLOAD_INTERRUPTED`). Does nothing when there is none.
 * @throws HttpError `ERR_UPLOAD_NOT_FOUND` (404), `ERR_UPLOAD_LOCKED` (423)
 */
export async function interruptByApplication(engine: Engine, uploadId: string): Promise<void> {
  await whileNobodyElse(engine, uploadId, async () => undefined);
}

/**
 * Removes an unfinished upload as if its time were over.
 * @returns false for a finished upload, which never expires
 * @throws HttpError `ERR_UPLOAD_NOT_FOUND` (404), `ERR_NOT_IMPLEMENTED` (501) when the store cannot, `ERR_UPLOAD_LOCKED` (423)
 */
export async function expireByApplication(engine: Engine, uploadId: string): Promise<boolean> {
  if (!engine.composer.usesTerminater) throw errors.notImplemented();
  return whileNobodyElse(engine, uploadId, async (upload, info, context) => {
    if (stateOf(info) === 'finished') return false;
    await removeExpired(engine, upload, info, context);
    return true;
  });
}

/** Removes an upload under its lock, and says that its time was over. */
export async function removeExpired(
  engine: Engine,
  upload: Upload,
  info: FileInfo,
  context: StoreContext,
): Promise<void> {
  await engine.composer.terminater?.asTerminatableUpload(upload).terminate(context);
  engine.awaited.settle(info.id, info.partialUploads);
  engine.metrics.uploadsExpired += 1;
  engine.debug('UploadExpired', undefined, 'id', info.id);
  engine.notify('expired', undefined, info);
}

async function whileNobodyElse<T>(
  engine: Engine,
  uploadId: string,
  work: (upload: Upload, info: FileInfo, context: StoreContext) => Promise<T>,
): Promise<T> {
  if (!isUploadId(uploadId)) throw errors.notFound();
  // Looked at without a lock: what is not there interrupts nobody.
  await load(engine, uploadId, {});
  return underLock(engine, undefined, uploadId, async (scope) => {
    const { upload, info } = await load(engine, uploadId, scope);
    return work(upload, info, scope);
  });
}
