import type { HookResponse } from './events/hook-event.js';
import { HttpError, MISMATCHED_OFFSET, type ErrorDescriptor } from './http-error.js';

export {
  hasCode,
  HttpError,
  isHttpError,
  type ErrorDescriptor,
  type HttpErrorOptions,
} from './http-error.js';

/** Seconds after which a client may try again what failed for a reason that passes. */
const RETRY_AFTER_SECONDS = 1;

const describe = (code: string, status: number, message: string): ErrorDescriptor => ({
  code,
  status,
  message,
});

export const ErrUnsupportedVersion = describe(
  'ERR_UNSUPPORTED_VERSION',
  412,
  'missing, invalid or unsupported Tus-Resumable header',
);
export const ErrMaxSizeExceeded = describe('ERR_MAX_SIZE_EXCEEDED', 413, 'maximum size exceeded');
export const ErrInvalidContentType = describe(
  'ERR_INVALID_CONTENT_TYPE',
  400,
  'missing or invalid Content-Type header',
);
export const ErrInvalidUploadLength = describe(
  'ERR_INVALID_UPLOAD_LENGTH',
  400,
  'missing or invalid Upload-Length header',
);
export const ErrInvalidOffset = describe(
  'ERR_INVALID_OFFSET',
  400,
  'missing or invalid Upload-Offset header',
);
export const ErrInvalidMetadata = describe('ERR_INVALID_METADATA', 400, 'invalid Upload-Metadata header');
export const ErrMetadataTooLarge = describe(
  'ERR_METADATA_TOO_LARGE',
  400,
  'Upload-Metadata header is too large',
);
export const ErrOperationAbandoned = describe(
  'ERR_OPERATION_ABANDONED',
  503,
  'the operation did not end in time',
);
export const ErrNotFound = describe('ERR_UPLOAD_NOT_FOUND', 404, 'upload not found');
export const ErrUploadDamaged = describe(
  'ERR_UPLOAD_DAMAGED',
  410,
  'what is stored of this upload is damaged',
);
export const ErrContentGone = describe(
  'ERR_CONTENT_GONE',
  410,
  'the content of this finished upload is not here any more',
);
export const ErrUploadExpired = describe('ERR_UPLOAD_EXPIRED', 410, 'upload has expired');
export const ErrUploadExists = describe('ERR_UPLOAD_EXISTS', 409, 'an upload with this id exists already');
export const ErrFileLocked = describe('ERR_UPLOAD_LOCKED', 423, 'file currently locked');
export const ErrMismatchOffset = describe(MISMATCHED_OFFSET, 409, 'mismatched offset');
export const ErrSizeExceeded = describe('ERR_UPLOAD_SIZE_EXCEEDED', 413, "resource's size exceeded");
export const ErrNotImplemented = describe('ERR_NOT_IMPLEMENTED', 501, 'feature not implemented');
export const ErrMethodNotAllowed = describe('ERR_METHOD_NOT_ALLOWED', 405, 'method not allowed');
export const ErrUploadNotFinished = describe(
  'ERR_UPLOAD_NOT_FINISHED',
  400,
  'one of the partial uploads is not finished',
);
export const ErrUploadFinishing = describe(
  'ERR_UPLOAD_FINISHING',
  423,
  'all bytes are stored, the upload is not accepted yet',
);
export const ErrIncompleteUpload = describe(
  'ERR_INCOMPLETE_UPLOAD',
  400,
  'cannot stream non-finished upload',
);
export const ErrInvalidConcat = describe('ERR_INVALID_CONCAT', 400, 'invalid Upload-Concat header');
export const ErrConcatenationUnsupported = describe(
  'ERR_CONCATENATION_UNSUPPORTED',
  400,
  'Upload-Concat header is not supported by server',
);
export const ErrModifyFinal = describe('ERR_MODIFY_FINAL', 403, 'modifying a final upload is not allowed');
export const ErrUploadLengthAndUploadDeferLength = describe(
  'ERR_AMBIGUOUS_UPLOAD_LENGTH',
  400,
  'provided both Upload-Length and Upload-Defer-Length',
);
export const ErrInvalidUploadDeferLength = describe(
  'ERR_INVALID_UPLOAD_LENGTH_DEFER',
  400,
  'invalid Upload-Defer-Length header',
);
export const ErrInvalidChecksum = describe('ERR_INVALID_CHECKSUM', 400, 'invalid Upload-Checksum');
export const ErrUnsupportedChecksumAlgorithm = describe(
  'ERR_UNSUPPORTED_CHECKSUM_ALGORITHM',
  400,
  'checksum algorithm is not supported',
);
export const ErrChecksumMismatch = describe(
  'ERR_CHECKSUM_MISMATCH',
  460,
  'checksum does not match the received data',
);
export const ErrUploadStoppedByServer = describe(
  'ERR_UPLOAD_STOPPED',
  400,
  'upload has been stopped by server',
);
export const ErrUploadRejectedByServer = describe(
  'ERR_UPLOAD_REJECTED',
  400,
  'upload creation has been rejected by server',
);
export const ErrUploadTerminationRejected = describe(
  'ERR_UPLOAD_TERMINATION_REJECTED',
  400,
  'upload termination has been rejected by server',
);
export const ErrUploadInterrupted = describe(
  'ERR_UPLOAD_INTERRUPTED',
  400,
  'upload has been interrupted by another request for this upload resource',
);
export const ErrServerShutdown = describe(
  'ERR_SERVER_SHUTDOWN',
  503,
  'request has been interrupted because the server is shutting down',
);
export const ErrStorageUnavailable = describe(
  'ERR_STORAGE_UNAVAILABLE',
  503,
  'storage or lock is temporarily unavailable',
);
export const ErrInsufficientStorage = describe(
  'ERR_INSUFFICIENT_STORAGE',
  507,
  'no space left for this upload',
);
export const ErrLockLost = describe('ERR_LOCK_LOST', 503, 'the lock on this upload was lost');
export const ErrOriginNotAllowed = describe('ERR_ORIGIN_NOT_ALLOWED', 403, 'request origin is not allowed');
export const ErrUnexpectedEOF = describe('ERR_UNEXPECTED_EOF', 400, 'server expected to receive more bytes');
export const ErrReadTimeout = describe('ERR_READ_TIMEOUT', 500, 'timeout while reading request body');
export const ErrConnectionReset = describe('ERR_CONNECTION_RESET', 500, 'TCP connection reset by peer');
export const ErrBodyConsumed = describe(
  'ERR_BODY_CONSUMED',
  500,
  'something read the request body before the upload handler',
);
export const ErrInvalidRange = describe('ERR_INVALID_RANGE', 416, 'requested range cannot be satisfied');
export const ErrPreconditionFailed = describe('ERR_PRECONDITION_FAILED', 412, 'precondition failed');
export const ErrForeignUpload = describe(
  'ERR_FOREIGN_UPLOAD',
  415,
  'the upload was created by the other protocol, and only that one appends to it',
);
export const ErrUploadCompleted = describe('ERR_UPLOAD_COMPLETED', 400, 'the upload is complete already');
export const ErrUploadInvalidated = describe(
  'ERR_UPLOAD_INVALIDATED',
  410,
  'the upload got more content than its length, and is invalid',
);
export const ErrUploadTooSmall = describe(
  'ERR_UPLOAD_TOO_SMALL',
  400,
  'the upload is smaller than the smallest that can be sent in parts',
);
export const ErrAppendTooLarge = describe(
  'ERR_APPEND_TOO_LARGE',
  413,
  'the content is larger than max-append-size',
);
export const ErrAppendTooSmall = describe(
  'ERR_APPEND_TOO_SMALL',
  400,
  'the content is smaller than min-append-size',
);
export const ErrMissingCompleteness = describe(
  'ERR_MISSING_UPLOAD_COMPLETE',
  400,
  'missing or invalid Upload-Complete header',
);
export const ErrUnexpectedField = describe(
  'ERR_UNEXPECTED_FIELD',
  400,
  'the request must not tell an offset or completeness',
);
export const ErrDigestMismatch = describe(
  'ERR_DIGEST_MISMATCH',
  400,
  'the digest does not match the received data',
);
export const ErrInternalServerError = describe(
  'ERR_INTERNAL_SERVER_ERROR',
  500,
  'something went wrong on the server',
);

const occasion = (descriptor: ErrorDescriptor) => (cause?: unknown) => new HttpError(descriptor, { cause });
const passing = (descriptor: ErrorDescriptor) => (cause?: unknown) =>
  new HttpError(descriptor, { cause, header: { 'Retry-After': String(RETRY_AFTER_SECONDS) } });

/** Makes the errors of the protocol. Each takes the cause, which is logged and never sent. */
export const errors = {
  unsupportedVersion: occasion(ErrUnsupportedVersion),
  maxSizeExceeded: occasion(ErrMaxSizeExceeded),
  invalidContentType: occasion(ErrInvalidContentType),
  invalidUploadLength: occasion(ErrInvalidUploadLength),
  invalidOffset: occasion(ErrInvalidOffset),
  invalidMetadata: (detail?: string) =>
    new HttpError(ErrInvalidMetadata, detail ? { message: `${ErrInvalidMetadata.message}: ${detail}` } : {}),
  metadataTooLarge: (limit: number, protocol: 'tus' | 'ietf' = 'tus') => {
    const what =
      protocol === 'tus'
        ? ErrMetadataTooLarge.message
        : 'the header fields that describe the upload are too large together';
    return new HttpError(ErrMetadataTooLarge, { message: `${what}; the limit is ${limit} bytes` });
  },
  abandoned: passing(ErrOperationAbandoned),
  notFound: occasion(ErrNotFound),
  uploadDamaged: occasion(ErrUploadDamaged),
  contentGone: occasion(ErrContentGone),
  uploadExpired: occasion(ErrUploadExpired),
  uploadExists: occasion(ErrUploadExists),
  fileLocked: passing(ErrFileLocked),
  mismatchOffset: (offset?: number) =>
    new HttpError(
      ErrMismatchOffset,
      offset === undefined ? {} : { header: { 'Upload-Offset': String(offset) } },
    ),
  sizeExceeded: occasion(ErrSizeExceeded),
  notImplemented: occasion(ErrNotImplemented),
  methodNotAllowed: (allow: string) => new HttpError(ErrMethodNotAllowed, { header: { Allow: allow } }),
  uploadNotFinished: occasion(ErrUploadNotFinished),
  uploadFinishing: passing(ErrUploadFinishing),
  incompleteUpload: occasion(ErrIncompleteUpload),
  invalidConcat: (detail?: string) =>
    new HttpError(ErrInvalidConcat, detail ? { message: `${ErrInvalidConcat.message}: ${detail}` } : {}),
  concatenationUnsupported: occasion(ErrConcatenationUnsupported),
  modifyFinal: occasion(ErrModifyFinal),
  uploadLengthAndUploadDeferLength: occasion(ErrUploadLengthAndUploadDeferLength),
  invalidUploadDeferLength: occasion(ErrInvalidUploadDeferLength),
  invalidChecksum: occasion(ErrInvalidChecksum),
  unsupportedChecksumAlgorithm: occasion(ErrUnsupportedChecksumAlgorithm),
  checksumMismatch: occasion(ErrChecksumMismatch),
  uploadStoppedByServer: (response?: HookResponse) => new HttpError(ErrUploadStoppedByServer).with(response),
  uploadRejectedByServer: (response?: HookResponse) =>
    new HttpError(ErrUploadRejectedByServer).with(response),
  uploadTerminationRejected: (response?: HookResponse) =>
    new HttpError(ErrUploadTerminationRejected).with(response),
  uploadInterrupted: occasion(ErrUploadInterrupted),
  serverShutdown: passing(ErrServerShutdown),
  storageUnavailable: passing(ErrStorageUnavailable),
  insufficientStorage: passing(ErrInsufficientStorage),
  lockLost: passing(ErrLockLost),
  originNotAllowed: occasion(ErrOriginNotAllowed),
  unexpectedEOF: occasion(ErrUnexpectedEOF),
  readTimeout: occasion(ErrReadTimeout),
  connectionReset: occasion(ErrConnectionReset),
  bodyConsumed: occasion(ErrBodyConsumed),
  invalidRange: (size: number) =>
    new HttpError(ErrInvalidRange, { header: { 'Content-Range': `bytes */${size}` } }),
  preconditionFailed: occasion(ErrPreconditionFailed),
  foreignUpload: (acceptPatch: string) =>
    new HttpError(ErrForeignUpload, { header: { 'Accept-Patch': acceptPatch } }),
  uploadCompleted: occasion(ErrUploadCompleted),
  uploadInvalidated: occasion(ErrUploadInvalidated),
  uploadTooSmall: occasion(ErrUploadTooSmall),
  appendTooLarge: occasion(ErrAppendTooLarge),
  appendTooSmall: occasion(ErrAppendTooSmall),
  missingCompleteness: occasion(ErrMissingCompleteness),
  unexpectedField: occasion(ErrUnexpectedField),
  digestMismatch: occasion(ErrDigestMismatch),
  internal: occasion(ErrInternalServerError),
} as const;
