import { isMissing, hasName } from './storage-error.js';
import type { UploadRecord } from './upload-record.js';
import type { Service } from './upload-state.js';

/**
 * Bytes that count are not in the bucket any more: a lifecycle rule has removed the parts or a tail object. The upload cannot be finished, and is
 * removed; so nothing may be taken for this that is not certain.
 */
export class LostContent extends Error {
  override readonly name = 'LostContent';
}

/** An error of a call for a part, or `LostContent` when the multipart upload is not there. */
export async function partProblem(
  { multiparts }: Service,
  { key }: UploadRecord,
  uploadId: string,
  error: unknown,
): Promise<unknown> {
  if (!hasName(error, 'NoSuchUpload') && !isMissing(error)) return error;
  const isGone = await multiparts.isGone(key, uploadId);
  return isGone
    ? new LostContent(`the multipart upload ${uploadId} of ${key} is gone`, { cause: error })
    : error;
}
