import fs from 'node:fs';
import { dirname } from 'node:path';
import { hasErrno } from './errno.js';

/**
 * The few calls of `node:fs` that the store needs, as promises. `fs.promises` costs an object for each file and several
 * promises for each call; on the path of a small upload that is most of the store's share.
 */
type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

function promised<T>(start: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))));
}

export const open = (path: string, flags: number | string, mode?: number): Promise<number> =>
  promised((done) => fs.open(path, flags, mode, done));

export const close = (fd: number): Promise<void> =>
  promised((done: Callback<void>) => fs.close(fd, (e) => done(e ?? null)));

export const read = (fd: number, buffer: Buffer, length: number, position: number): Promise<number> =>
  promised((done) => fs.read(fd, buffer, 0, length, position, done));

export const fdatasync = (fd: number): Promise<void> =>
  promised((done: Callback<void>) => fs.fdatasync(fd, (e) => done(e)));

export const fsync = (fd: number): Promise<void> =>
  promised((done: Callback<void>) => fs.fsync(fd, (e) => done(e)));

export const ftruncate = (fd: number, length: number): Promise<void> =>
  promised((done: Callback<void>) => fs.ftruncate(fd, length, (e) => done(e)));

export const stat = (path: string): Promise<fs.Stats> => promised((done) => fs.stat(path, done));

export const fstat = (fd: number): Promise<fs.Stats> => promised((done) => fs.fstat(fd, done));

export const rename = (from: string, to: string): Promise<void> =>
  promised((done: Callback<void>) => fs.rename(from, to, (e) => done(e)));

export const unlink = (path: string): Promise<void> =>
  promised((done: Callback<void>) => fs.unlink(path, (e) => done(e)));

export const readdir = (path: string): Promise<string[]> => promised((done) => fs.readdir(path, done));

/** Makes a directory and those above it; answers the uppermost that was missing. */
const mkdirOne = (path: string, mode: number): Promise<void> =>
  promised((done: Callback<void>) => fs.mkdir(path, mode, (e) => done(e)));

/**
 * Makes a directory and those above it; answers the first that it made. Node's own `recursive` never ends below /proc, where
 * a parent is there and yet nothing can be made in it.
 */
export async function mkdir(path: string, mode: number): Promise<string | undefined> {
  try {
    await mkdirOne(path, mode);
    return path;
  } catch (error) {
    if (hasErrno(error, 'EEXIST') && (await stat(path)).isDirectory()) return undefined;
    if (!hasErrno(error, 'ENOENT') || dirname(path) === path) throw error;
  }
  const first = await mkdir(dirname(path), mode);
  await mkdirOne(path, mode).catch((error: unknown) => {
    // Another request wants the same directory.
    if (!hasErrno(error, 'EEXIST')) throw error;
  });
  return first ?? path;
}

/** Copies a file, sharing its blocks where the file system can. */
export const cloneFile = (from: string, to: string): Promise<void> =>
  promised((done: Callback<void>) => fs.copyFile(from, to, fs.constants.COPYFILE_FICLONE, (e) => done(e)));

/** Writes all of `buffer`: one call, unless the system takes less. */
export const writeAll = (fd: number, buffer: Uint8Array, position: number): Promise<void> =>
  promised((done: Callback<void>) => writeRest(fd, buffer, 0, position, done));

/** Writes `buffer` without its first `from` bytes, which are at `position` already. */
function writeRest(
  fd: number,
  buffer: Uint8Array,
  from: number,
  position: number,
  done: Callback<void>,
): void {
  const left = buffer.byteLength - from;
  fs.write(fd, buffer, from, left, position + from, (error, written) => {
    if (error || written === left) done(error);
    else writeRest(fd, buffer, from + written, position, done);
  });
}

/** Runs `work` with an open file, and closes it whatever happens. */
export async function withFile<T>(
  path: string,
  flags: number | string,
  work: (fd: number) => Promise<T>,
  mode?: number,
): Promise<T> {
  return withOpen(open(path, flags, mode), work);
}

/** Runs `work` with a file that is being opened, and closes it whatever happens. */
export async function withOpen<T>(opening: Promise<number>, work: (fd: number) => Promise<T>): Promise<T> {
  const fd = await opening;
  try {
    return await work(fd);
  } finally {
    await close(fd);
  }
}

/** Removes a file that may be gone already. A directory in its place is somebody else's, and stays. */
export async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw error;
  });
}

/** Makes the names in a directory survive a loss of power. */
export const syncDirectory = (path: string): Promise<void> => withFile(path, 'r', fsync);

/** What is known of a file; undefined when there is none. */
export const statIfThere = (path: string): Promise<fs.Stats | undefined> => ifThere(stat(path));

/** What is known of a name, which may be a link. */
export const lstatIfThere = (path: string): Promise<fs.Stats | undefined> =>
  ifThere(promised((done: Callback<fs.Stats>) => fs.lstat(path, done)));

function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) return undefined;
    throw error;
  });
}
