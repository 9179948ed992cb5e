import type { StoreContext } from '@nestjs-tus/core';
import { removeAll } from '../content/listed-objects.js';
import { Full } from '../problems.js';
import type { UploadRecord } from '../record/upload-record.js';
import { ownerOfObject } from './own-object.js';
import { targetOf } from './sessions.js';
import type { Storage } from './storage.js';
import type { UploadState } from './upload-state.js';

/** Says in the record that the upload is gone, so that nothing of it is offered while it is being removed, and no other holder goes on. */
export async function markRemoved(state: UploadState, context: StoreContext): Promise<void> {
  if (state.version === undefined) return;
  try {
    await state.commit({ lost: new Date().toISOString() }, context);
  } catch (error) {
    // Where there is no room for this, removing makes some.
    if (!(error instanceof Full)) throw error;
  }
}

/** Removes all that belongs to an upload; its record last, so that what is left after a crash can be found. */
export async function removeUpload(storage: Storage, state: UploadState): Promise<void> {
  const { objects, assembly, keys, records } = storage;
  const { record, version } = state;
  state.isGone = true;
  if (version === undefined) return;
  if (record.session) await assembly.discard(targetOf(record, record.session), record.parts);
  await removeAll(objects, keys.tailPrefix(record.info.id));
  if (await mayRemoveObject(storage, record)) await objects.remove(record.key);
  await records.remove(record, version);
}

/** The key that an unfinished upload was to get may have become another upload's. */
async function mayRemoveObject(storage: Storage, record: UploadRecord): Promise<boolean> {
  if (record.complete || !record.keyIsChosen) return true;
  return (await ownerOfObject(storage, record)) === 'itself';
}
