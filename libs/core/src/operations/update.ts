import type { Engine } from '../engine.js';
import { errors } from '../errors.js';
import type { FileInfoUpdate, StoreContext, Upload } from '../store/data-store.js';

/**
 * What an operation does after its lock is lost or its time is up must not count: another one may have the upload.
 * @throws HttpError `ERR_LOCK_LOST` (503)
 */
export function failIfOver({ signal }: StoreContext): void {
  if (signal?.aborted) throw errors.lockLost(signal.reason);
}

/** Changes the stored info, where the store can: what needs it is not offered where it cannot. */
export async function update(
  engine: Engine,
  upload: Upload,
  changes: FileInfoUpdate,
  context: StoreContext,
): Promise<void> {
  failIfOver(context);
  await engine.composer.updater?.asUpdatableUpload(upload).update(changes, context);
}
