import { randomBytes } from 'node:crypto';
import { errors } from '@nestjs-tus/core';
import type { UploadRecord } from './upload-record.js';
import type { Service } from './upload-state.js';

/** Names an attempt to make an upload's object. It is in the object's user metadata, and says whose the object is. */
export function newAttempt(id: string): string {
  return `${id}/${randomBytes(8).toString('hex')}`;
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
