import { ErrInsufficientStorage, hasCode, type StoreContext } from '@nestjs-tus/core';
import { ownerOfObject } from './own-object.js';
import { storageError } from './storage-error.js';
import type { UploadRecord } from './upload-record.js';
import type { Service, UploadState } from './upload-state.js';

/** Says in the record that the upload is gone, so that nothing of it is offered while it is being removed, and no other holder goes on. */
export async function markRemoved(state: UploadState, context: StoreContext): Promise<void> {
  if (state.version === undefined) return;
  try {
    await state.commit({ lost: new Date().toISOString() }, context);
  } catch (error) {
    // Where there is no room for this, removing makes some.
    if (!hasCode(storageError(error), ErrInsufficientStorage)) throw error;
  }
}

/** Removes all that belongs to an upload; its record last, so that what is left after a crash can be found. */
export async function removeUpload(service: Service, state: UploadState): Promise<void> {
  const { bucket, multiparts, keys, records } = service;
  const { record, version } = state;
  state.isGone = true;
  if (version === undefined) return;
  if (record.multipart) await multiparts.abort(record.key, record.multipart.id);
  await bucket.removeAll(keys.tailPrefix(record.info.id));
  if (await mayRemoveObject(service, record)) await bucket.remove(record.key);
  await records.remove(record, version);
}

/** The key that an unfinished upload was to get may have become another upload's. */
async function mayRemoveObject(service: Service, record: UploadRecord): Promise<boolean> {
  if (record.complete || !record.keyIsChosen) return true;
  return (await ownerOfObject(service, record)) === 'itself';
}
