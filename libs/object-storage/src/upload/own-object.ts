import { randomBytes } from 'node:crypto';
import { errors, type FileInfo, type StoreContext } from '@nestjs-tus/core';
import type { Content, Owner } from '../objects.js';
import { Changed } from '../problems.js';
import type { UploadRecord } from '../record/upload-record.js';
import type { Storage } from './storage.js';

/** Names an attempt to make an upload's object. It is kept with the object, and says whose the object is. */
export function newOwner(info: FileInfo): Owner {
  return { info, attempt: `${info.id}/${randomBytes(8).toString('hex')}` };
}

/**
 * Makes an upload's object in one call: it needs no parts, and cannot replace an object that is there. False when there is one, of an attempt whose
 * answer was lost or of a holder that has been replaced.
 * @throws HttpError `ERR_UPLOAD_EXISTS` when there is another upload's
 */
export async function putWhole(
  storage: Storage,
  record: UploadRecord,
  content: Content,
  { signal }: StoreContext,
): Promise<boolean> {
  const { key, info } = record;
  try {
    await storage.permits.run(() =>
      storage.objects.put(key, content, { unless: 'exists', owner: newOwner(info), signal }),
    );
    return true;
  } catch (error) {
    if (!(error instanceof Changed)) throw error;
    await failIfTaken(storage, record);
    return false;
  }
}

/**
 * Whose the object at an upload's key is. Its own comes from an attempt whose answer was lost, or from a holder that has been replaced; another's has
 * the same chosen key and was finished first.
 */
export async function ownerOfObject(
  { objects }: Storage,
  { key, info }: UploadRecord,
): Promise<'none' | 'itself' | 'another'> {
  const object = await objects.head(key);
  if (object === undefined) return 'none';
  return object.attempt?.startsWith(`${info.id}/`) ? 'itself' : 'another';
}

/**
 * Whose the object is, when it may be there.
 * @throws HttpError `ERR_UPLOAD_EXISTS` when it is another's
 */
export async function failIfTaken(storage: Storage, record: UploadRecord): Promise<'none' | 'itself'> {
  const owner = await ownerOfObject(storage, record);
  if (owner !== 'another') return owner;
  throw errors.uploadExists(
    new Error(`the key ${record.key} of the upload ${record.info.id} has become another object's`),
  );
}
