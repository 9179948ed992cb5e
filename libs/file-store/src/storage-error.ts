import { errors, type HttpError, isHttpError } from '@nestjs-tus/core';
import { hasErrno } from './errno.js';

const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG'];
/** What a later try may not meet again. */
const PASSING = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EBUSY', 'EIO', 'ESTALE', 'ETIMEDOUT'];
/** What the operator can give back: rights, and a disk that can be written. */
const FORBIDDEN = ['EACCES', 'EPERM', 'EROFS'];
/** A file that was there a moment ago: the next look says what became of it. */
const VANISHED = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP'];

/** What a client is told of a failed file call. The system's own error stays as the cause. */
export function storageError(cause: unknown): HttpError {
  if (isHttpError(cause)) return cause;
  if (hasErrno(cause, ...FULL)) return errors.insufficientStorage(cause);
  if (hasErrno(cause, ...PASSING, ...FORBIDDEN, ...VANISHED)) return errors.storageUnavailable(cause);
  return errors.internal(cause);
}

/** The same for a chunk of which `bytesWritten` bytes are kept. */
export function writeError(cause: unknown, bytesWritten: number): HttpError {
  return Object.assign(storageError(cause), { bytesWritten });
}
