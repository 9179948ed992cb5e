import { randomBytes } from 'node:crypto';
import { errors, type StoreContext } from '@nestjs-tus/core';
import type { Content } from './calls.js';
import { isPreconditionFailed } from './storage-error.js';
import type { UploadRecord } from './upload-record.js';
import type { Service } from './upload-state.js';

/** Names an attempt to make an upload's object. It is in the object's user metadata, and says whose the object is. */
export function newAttempt(id: string): string {
  return `${id}/${randomBytes(8).toString('hex')}`;
}

/**
 * Makes an upload's object in one call: it needs no parts, and cannot replace an object that is there. False when there is one, of an attempt whose
 * answer was lost or of a holder that has been replaced.
 * @throws HttpError `ERR_UPLOAD_EXISTS` when there is another upload's
 */
export async function putWhole(
  service: Service,
  record: UploadRecord,
  content: Content,
  { signal }: StoreContext,
): Promise<boolean> {
  const { key, info } = record;
  try {
    await service.permits.run(() => service.bucket.putWhole(key, content, info, newAttempt(info.id), signal));
    return true;
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error;
    await failIfTaken(service, record);
    return false;
  }
}

/**
 * Whose the object at an upload's key is. Its own comes from an attempt whose answer was lost, or from a holder that has been replaced; another's has
 * the same chosen key and was finished first.
 */
export async function ownerOfObject(
  { bucket }: Service,
  { key, info }: UploadRecord,
): Promise<'nobody' | 'itself' | 'another'> {
  const object = await bucket.head(key);
  if (object === undefined) return 'nobody';
  return object.attempt?.startsWith(`${info.id}/`) ? 'itself' : 'another';
}

/**
 * Whose the object is, when it may be there.
 * @throws HttpError `ERR_UPLOAD_EXISTS` when it is another's
 */
export async function failIfTaken(service: Service, record: UploadRecord): Promise<'nobody' | 'itself'> {
  const owner = await ownerOfObject(service, record);
  if (owner !== 'another') return owner;
  throw errors.uploadExists(
    new Error(`the key ${record.key} of the upload ${record.info.id} has become another object's`),
  );
}
