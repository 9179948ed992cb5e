import type { Engine } from '../engine.js';
import type { FileInfoUpdate, StoreContext, Upload } from '../store/data-store.js';

/** Changes the stored info, where the store can: what needs it is not offered where it cannot. */
export async function update(
  engine: Engine,
  upload: Upload,
  changes: FileInfoUpdate,
  context: StoreContext,
): Promise<void> {
  await engine.composer.updater?.asUpdatableUpload(upload).update(changes, context);
}
