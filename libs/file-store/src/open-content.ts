import fs from 'node:fs';
import type { Readable } from 'node:stream';
import { type ByteRange, errors, type HttpError, type OpenContent } from '@nestjs-tus/core';
import { hasErrno } from './errno.js';
import { close, fstat, open } from './files.js';
import { storageError } from './storage-error.js';
import type { UploadNames } from './upload-names.js';

/** A FIFO that the application has put there would hold a thread until somebody writes into it. */
const READ_ONLY = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);
const MISSING = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'];

const gone = (id: string) => (cause?: unknown) =>
  errors.contentGone(cause ?? new Error(`the content of ${id} is no file any more`));

/**
 * Opens the content of a finished upload, as it is now. Size and times are those of the file that is open: when another one gets its name
 * meanwhile, this one is read to its end.
 *
 * @throws HttpError `ERR_CONTENT_GONE` when the application has moved it away
 */
export async function openContent(names: UploadNames, id: string): Promise<OpenContent> {
  const fd = await openForReading(names, gone(id));
  try {
    const stats = await fstat(fd);
    if (!stats.isFile()) throw gone(id)();
    return {
      size: stats.size,
      // In the same second, and with the same length, another content has another one of these.
      version: `${Math.trunc(stats.mtimeMs * 1_000).toString(36)}.${stats.ino.toString(36)}`,
      modifiedAt: stats.mtime,
      read: (range) =>
        fs.createReadStream('', { fd, start: range?.start ?? 0, end: range?.end ?? stats.size - 1 }),
      close: () => close(fd),
    };
  } catch (error) {
    await close(fd);
    throw storageError(error);
  }
}

/** Streams what is there of a closed upload. */
export async function readNow(names: UploadNames, id: string, range?: ByteRange): Promise<Readable> {
  const fd = await openForReading(names, gone(id));
  return fs.createReadStream('', { fd, start: range?.start ?? 0, end: range?.end });
}

/** Opens the data file, by either of its names. */
export async function openForReading(
  names: UploadNames,
  missing: (cause: unknown) => HttpError,
): Promise<number> {
  try {
    return await open(names.data, READ_ONLY);
  } catch (error) {
    if (!hasErrno(error, ...MISSING)) throw storageError(error);
  }
  return open(names.seized, READ_ONLY).catch((error: unknown) => {
    throw hasErrno(error, ...MISSING) ? missing(error) : storageError(error);
  });
}
