import { S3ServiceException } from '@aws-sdk/client-s3';
import { Changed, Conflict, Full, Missing, Passing, StorageProblem } from '@nestjs-tus/object-storage';

/** Codes that say no room is left. */
const FULL = new Set(['QuotaExceeded', 'InsufficientStorage', 'EntityTooLargeForQuota', 'XMinioStorageFull']);
/** Codes and statuses of what may work when it is tried again, by a client or after an operator's repair of keys, rights or clock. */
const PASSING = new Set([
  'AccessDenied',
  'ExpiredToken',
  // So the SDK calls an answer that ends before it says anything, too.
  'InternalError',
  'InvalidAccessKeyId',
  'OperationAborted',
  'RequestTimeTooSkewed',
  'RequestTimeout',
  'SignatureDoesNotMatch',
  'SlowDown',
]);
const PASSING_STATUS = new Set([401, 403, 408, 409, 429]);

/** What the loser of two conditional writes at the same time may get. */
const RACED = new Set(['ConditionalRequestConflict', 'OperationAborted']);

/** What an error of the client means to a store; an error that is no problem of the service stays what it is: a defect, or the content's own. */
export function problemOf(error: unknown): unknown {
  if (error instanceof StorageProblem || !(error instanceof Error)) return error;
  // The service has no such object. A 404 that does not say so comes from elsewhere: from the bucket, or from a proxy that is being repaired, say.
  if (error.name === 'NoSuchKey') return new Missing(error);
  if (error.name === 'PreconditionFailed' || statusOf(error) === 412) return new Changed(error);
  if (RACED.has(error.name)) return new Conflict(error);
  if (FULL.has(error.name) || statusOf(error) === 507) return new Full(error);
  const isElsewhere = statusOf(error) === 404;
  return PASSING.has(error.name) || isElsewhere || isTransient(error) ? new Passing(error) : error;
}

/** Awaits a call of the client; rejects with what its error means. */
export async function answered<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw problemOf(error);
  }
}

/** The client's own error. */
export function causeOf(error: unknown): unknown {
  return error instanceof StorageProblem ? error.cause : error;
}

/** True when the service was not reached, gave no answer in time, or says that it has trouble of its own. */
export function isTransient(problem: unknown): boolean {
  const error = causeOf(problem);
  if (!(error instanceof Error)) return false;
  if (!(error instanceof S3ServiceException)) return isNetworkError(error);
  const status = statusOf(error) ?? 500;
  return status >= 500 || PASSING_STATUS.has(status);
}

/** True for any of the codes, which services without a body in their answer replace by the status. */
export function hasName(problem: unknown, ...names: string[]): boolean {
  const error = causeOf(problem);
  return error instanceof Error && names.includes(error.name);
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

/** What the operator reads when the service does not take the headers that objects are to get. */
export function headersProblem(problem: unknown, endpoint: string): Error {
  const error = causeOf(problem);
  const { name = '', message = '' } = error instanceof Error ? error : {};
  return new Error(
    `S3Store cannot use ${endpoint}: the service refuses the headers in \`object\` (${name}: ${message}): check storageClass, ` +
      'serverSideEncryption and sseKmsKeyId; tags need the right s3:PutObjectTagging',
    { cause: error },
  );
}

/** What the operator reads when the bucket cannot be used at start. */
export function startProblem(problem: unknown, bucket: string, endpoint: string): Error {
  const error = causeOf(problem);
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
