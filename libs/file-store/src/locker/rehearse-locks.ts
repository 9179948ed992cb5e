import { link, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrno, isSystemError } from '../errno.js';

/**
 * Does once what taking, handing over and freeing a lock does, so that a file system without hard links (SMB, exFAT, many of FUSE), or
 * without renames of folders over empty folders, is found at the start and not by every request.
 *
 * @param mark the file whose hard links are entries
 * @param spare an empty folder; it takes the place of `target`
 * @param target an empty folder; it is empty afterwards
 * @throws Error that says what the file system lacks. A full disk is no such lack
 */
export async function rehearseLocks(mark: string, spare: string, target: string): Promise<void> {
  try {
    await link(mark, join(spare, 'rehearsal'));
    await rename(spare, target);
    await rename(join(target, 'rehearsal'), join(target, 'rehearsed'));
    await unlink(join(target, 'rehearsed'));
  } catch (cause) {
    if (!isSystemError(cause) || hasErrno(cause, 'ENOSPC', 'EDQUOT')) throw cause;
    const lack = cause.syscall === 'link' ? 'hard links' : 'renames of folders as locks need them';
    throw new Error(`its file system has no ${lack}: ${cause.syscall} fails with ${cause.code}`, { cause });
  }
}
