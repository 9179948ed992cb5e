import { errors, type StoreContext } from '@nestjs-tus/core';
import { cloneFile, fdatasync, ftruncate, remove, statIfThere, withFile } from './files.js';
import type { UploadFolder } from './upload-folder.js';
import { temporaryNames, tokenOf, type UploadNames } from './upload-names.js';

/**
 * Copies the first `length` bytes of a seized data file, and gives the copy the upload's name. Whoever has the old file
 * open writes into nothing from then on. Costs nothing where the file system shares blocks, else the time of a copy.
 */
export async function moveToNewInode(
  folder: UploadFolder,
  names: UploadNames,
  length: number,
  context: StoreContext,
): Promise<void> {
  const temporary = temporaryNames(names, tokenOf(context.lock)).data;
  try {
    await cloneFile(names.seized, temporary);
    await cutTo(temporary, length, folder.survivesPowerLoss);
    await folder.commit(temporary, names.data, context);
  } catch (error) {
    await remove(temporary);
    throw error;
  }
  await remove(names.seized);
}

async function cutTo(path: string, length: number, isDurable: boolean): Promise<void> {
  const stats = await statIfThere(path);
  // ftruncate would fill up with zeros.
  if (!stats || stats.size < length)
    throw errors.storageUnavailable(new Error('a copy of the data is too short'));
  await withFile(path, 'r+', async (fd) => {
    await ftruncate(fd, length);
    if (isDurable) await fdatasync(fd);
  });
}
