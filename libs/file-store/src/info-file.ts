import fs from 'node:fs';
import { errors, type StoreContext } from '@nestjs-tus/core';
import { hasErrno } from './errno.js';
import { close, open, withOpen } from './files.js';
import { finishPositionIn } from './info-record.js';
import { DamagedInfo, ForeignInfo } from './parse-info.js';
import { readText, TextTooLong } from './read-text.js';

/** Bytes of an info. A context and the names of many parts can be long; nothing that we have written is so long. */
const LONGEST_INFO = 16 * 1024 * 1024;

/** The info file of an upload, open for writing. */
export interface OpenInfo {
  readonly fd: number;
  /** Position of the byte that says that the upload is finished; absent where the info has none. */
  readonly finishAt?: number;
}

/** What an info says, and its file if that can be changed in place. */
export interface ReadInfo {
  readonly text: string;
  readonly open?: OpenInfo;
}

/** A FIFO in the place of a file would otherwise hold a thread until somebody writes into it. */
const WITHOUT_WAITING = fs.constants.O_NONBLOCK ?? 0;
const MAY_NOT_WRITE = ['EACCES', 'EPERM', 'EROFS', 'ETXTBSY'];
/** No info of that name. */
const NONE = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'];
/** What stands in the place of a file and is none: a link onto itself, a socket, a device, a pipe. */
const NO_FILE = ['ELOOP', 'ENXIO', 'ENODEV', 'EAGAIN', 'ESPIPE'];

const openToRead = (path: string): Promise<number> => open(path, fs.constants.O_RDONLY | WITHOUT_WAITING);

/** For writing too, if that is allowed. */
function openToChange(path: string): Promise<number> {
  return open(path, fs.constants.O_RDWR | WITHOUT_WAITING).catch((error: unknown) => {
    if (hasErrno(error, ...MAY_NOT_WRITE)) return openToRead(path);
    throw error;
  });
}

export const readToLook = (path: string): Promise<string> =>
  withOpen(openToRead(path), (fd) => readText(fd, LONGEST_INFO));

/** Reads an info, and leaves it open to the end of the operation, which may have to change it. */
export async function readToChange(path: string, id: string, context: StoreContext): Promise<ReadInfo> {
  if (!context.defer) return { text: await readToLook(path) };
  const fd = await openToChange(path);
  context.defer(() => close(fd));
  const text = await readText(fd, LONGEST_INFO);
  return { text, open: { fd, finishAt: finishPositionIn(text, id) } };
}

/** What an info that cannot be read is to a client: no upload, a damaged one, or trouble of the system. */
export function infoError(error: unknown): unknown {
  if (error instanceof ForeignInfo || hasErrno(error, ...NONE)) return errors.notFound(error);
  const isDamaged = error instanceof DamagedInfo || error instanceof TextTooLong;
  return isDamaged || hasErrno(error, ...NO_FILE) ? errors.uploadDamaged(error) : error;
}
