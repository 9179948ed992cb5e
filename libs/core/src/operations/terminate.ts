import type { Engine } from '../engine.js';
import { errors, ErrUploadDamaged, hasCode } from '../errors.js';
import type { Exchange } from '../exchange.js';
import type { FileInfo } from '../file-info.js';
import type { StoreContext, Upload } from '../store/data-store.js';
import { failIfExpired } from './expiry.js';
import type { Outcome, UploadRequest } from './operation.js';
import { NO_ANSWER, runHook } from './run-hook.js';
import { underLock } from './under-lock.js';
import { failIfOver } from './update.js';

/**
 * Removes an upload for good.
 *
 * tus 1.0.0: "To terminate an existing upload, the Client MUST send a DELETE request … When receiving a DELETE request for an
 * existing upload the Server SHOULD free associated resources and MUST respond with the 204 No Content status."
 */
export async function terminate(
  engine: Engine,
  exchange: Exchange,
  request: UploadRequest,
): Promise<Outcome> {
  if (!engine.composer.usesTerminater) throw errors.notImplemented();
  const exists = async () => void (await engine.store.getUpload(request.uploadId, {}));
  return underLock(
    engine,
    exchange,
    request.uploadId,
    async (scope) => {
      const hook = engine.config.preUploadTerminateCallback;
      const upload = await engine.store.getUpload(request.uploadId, scope);
      // A hook cannot judge what cannot be read: then the damage is the answer, and the application has to remove it.
      const info = hook ? await upload.getInfo(scope) : await infoUnlessDamaged(upload, scope);
      if (!info) {
        await removeDamaged(engine, exchange, upload, request.uploadId, scope);
        return { kind: 'terminated' };
      }
      failIfExpired(info);
      const { response } = hook
        ? await runHook(engine, 'preUploadTerminate', hook, exchange, info)
        : NO_ANSWER;
      await remove(engine, exchange, upload, info, scope);
      return { kind: 'terminated', response };
    },
    { precheck: exists },
  );
}

/** Removes an upload under its lock, and tells it. Does nothing where the store cannot. */
export async function remove(
  engine: Engine,
  exchange: Exchange | undefined,
  upload: Upload,
  info: FileInfo,
  context: StoreContext,
): Promise<void> {
  const { terminater } = engine.composer;
  if (!terminater) return;
  failIfOver(context);
  await terminater.asTerminatableUpload(upload).terminate(context);
  engine.awaited.settle(info.id, info.partialUploads);
  engine.metrics.uploadsTerminated += 1;
  engine.debug('UploadTerminated', exchange, 'id', info.id);
  engine.notify('terminated', exchange, info);
}

/** Undefined for an upload of which nothing can be read. */
export async function infoUnlessDamaged(
  upload: Upload,
  context: StoreContext,
): Promise<FileInfo | undefined> {
  try {
    return await upload.getInfo(context);
  } catch (error) {
    if (hasCode(error, ErrUploadDamaged)) return undefined;
    throw error;
  }
}

/** Removes an upload of which nothing can be read, so that there is nothing to tell of it in the events. */
export async function removeDamaged(
  engine: Engine,
  exchange: Exchange | undefined,
  upload: Upload,
  uploadId: string,
  context: StoreContext,
): Promise<void> {
  await engine.composer.terminater?.asTerminatableUpload(upload).terminate(context);
  engine.metrics.uploadsTerminated += 1;
  engine.log('UploadTerminated', exchange, 'id', uploadId, 'damaged', 'true');
}
