import { S3ServiceException } from '@aws-sdk/client-s3';
import { errors, isHttpError } from '@nestjs-tus/core';

/** Codes that say no room is left. */
const FULL = new Set(['QuotaExceeded', 'InsufficientStorage', 'EntityTooLargeForQuota', 'XMinioStorageFull']);
/** Codes and statuses of what may work when it is tried again, by a client or after an operator's repair of keys, rights or clock. */
const PASSING = new Set([
  'AccessDenied',
  'ExpiredToken',
  // So the SDK calls an answer that ends before it tells anything, too.
  'InternalError',
  'InvalidAccessKeyId',
  'OperationAborted',
  'RequestTimeTooSkewed',
  'RequestTimeout',
  'SignatureDoesNotMatch',
  'SlowDown',
]);
const PASSING_STATUS = new Set([401, 403, 408, 409, 429]);

/**
 * What the engine is told of a failed call: ERR_STORAGE_UNAVAILABLE (503) for what passes, ERR_INSUFFICIENT_STORAGE (507) when the
 * bucket is full, anything else as it is: a defect, and a 500.
 */
export function storageError(error: unknown, signal?: AbortSignal): unknown {
  if (isHttpError(error)) return error;
  if (signal?.aborted) return errors.lockLost(error);
  if (!(error instanceof Error)) return error;
  if (FULL.has(error.name) || statusOf(error) === 507) return errors.insufficientStorage(error);
  // A 404 of anything but an object: of the bucket, or of a proxy's own.
  const isElsewhere = statusOf(error) === 404;
  if (PASSING.has(error.name) || isElsewhere || isTransient(error)) return errors.storageUnavailable(error);
  return error;
}

/** True when the service was not reached, gave no answer in time, or says that it has trouble of its own. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (!(error instanceof S3ServiceException)) return isNetworkError(error);
  const status = statusOf(error) ?? 500;
  return status >= 500 || PASSING_STATUS.has(status);
}

/** True for any of the codes, which services without a body in their answer replace by the status. */
export function hasName(error: unknown, ...names: string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}

/** The service has no such object. A 404 that does not say so comes from somebody else: a proxy that is being repaired, say. */
export function isMissing(error: unknown): boolean {
  return hasName(error, 'NoSuchKey');
}

export function isPreconditionFailed(error: unknown): boolean {
  return error instanceof Error && (error.name === 'PreconditionFailed' || statusOf(error) === 412);
}

function statusOf(error: Error): number | undefined {
  if (!('$metadata' in error)) return undefined;
  const metadata = error.$metadata as { httpStatusCode?: number } | undefined;
  return metadata?.httpStatusCode;
}

function isNetworkError(error: Error): boolean {
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return true;
  // An error of another realm (tests in Jest) is no Error to the SDK: its code is left in this text alone.
  if (error.message.startsWith('AWS SDK error wrapper for ')) return true;
  const code = 'code' in error ? String(error.code) : '';
  return /^(E[A-Z]+|ERR_STREAM_PREMATURE_CLOSE|UND_ERR_\w+)$/.test(code);
}

/** What the operator is told when the service does not take the headers that objects are to get. */
export function headersProblem(error: unknown, endpoint: string): Error {
  const { name = '', message = '' } = error instanceof Error ? error : {};
  return new Error(
    `S3Store cannot use ${endpoint}: the service refuses the headers in \`object\` (${name}: ${message}): check storageClass, ` +
      'serverSideEncryption and sseKmsKeyId; tags need the right s3:PutObjectTagging',
    { cause: error },
  );
}

/** What the operator is told when the bucket cannot be used at start. */
export function startProblem(error: unknown, bucket: string, endpoint: string): Error {
  const reasons: Record<string, string> = {
    NoSuchBucket: `the bucket "${bucket}" does not exist: create it, or give another name`,
    NotFound: `the bucket "${bucket}" does not exist: create it, or give another name`,
    InvalidAccessKeyId: 'the service does not know the access key: check AWS_ACCESS_KEY_ID',
    SignatureDoesNotMatch: 'the secret key is wrong: check AWS_SECRET_ACCESS_KEY',
    AccessDenied: `these credentials may not use the bucket "${bucket}": they need ListBucket, GetObject, PutObject, DeleteObject and AbortMultipartUpload`,
    Forbidden: `these credentials may not use the bucket "${bucket}"`,
    RequestTimeTooSkewed:
      "this machine's clock differs from the service's by more than the service accepts: set it",
    CredentialsProviderError:
      'there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give them in clientConfig',
    PermanentRedirect: `the bucket "${bucket}" is in another region: set the region`,
    AuthorizationHeaderMalformed: `the bucket "${bucket}" is in another region: set the region`,
    InvalidBucketName: `"${bucket}" cannot be the name of a bucket`,
  };
  const { name = '', message = '' } = error instanceof Error ? error : {};
  const reason =
    reasons[name] ??
    (isTransient(error)
      ? `the service is not reached (${message})`
      : `the service refuses (${name}: ${message})`);
  return new Error(`S3Store cannot use ${endpoint}: ${reason}`, { cause: error });
}
