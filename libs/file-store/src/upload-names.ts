import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { createHash, randomBytes } from 'node:crypto';
import type { Lock } from '@nestjs-tus/core';

/** Where the files of one upload are. */
export interface UploadNames {
  readonly info: string;
  readonly data: string;
  /** Where the data are between the loss of a lock and the next write: see docs/decisions/file-store-fencing.md. */
  readonly seized: string;
}

const ID = /^[A-Za-z0-9._~-]{1,128}$/;
const DOTS = /^\.+$/;
/** Ours, FileLocker's folder, and what tusd's locker puts beside uploads. Without regard to case: some file systems have none. */
const RESERVED_SUFFIX = /\.(info|lock|locks|stop)$/i;
/** `@` cannot be in an id, so that no upload can have the name of a temporary file. */
const TEMPORARY = /^([^@]+)@.+\.(info|data)$/;
const OWN_NAME = /\.(info|lock|locks|stop)$|@.+\.(info|data)$|@seized$/i;
const PLAIN_TOKEN = /^[A-Za-z0-9._~-]{1,64}$/;

/** True for an id whose files cannot be anything else's. */
export function isStorableId(id: string): boolean {
  return ID.test(id) && !DOTS.test(id) && !RESERVED_SUFFIX.test(id);
}

export const infoName = (directory: string, id: string): string => childOf(directory, `${id}.info`);

/** The id in the name of an info file; undefined for every other name. */
export function idOfInfo(name: string): string | undefined {
  if (!name.endsWith('.info')) return undefined;
  const id = name.slice(0, -'.info'.length);
  return isStorableId(id) ? id : undefined;
}

/**
 * Names for a new upload, whose data go to `path` below the directory if a hook said so.
 *
 * @throws TypeError for an id or a path that cannot be used
 */
export function namesForNew(directory: string, id: string, path: string | undefined): UploadNames {
  if (!isStorableId(id)) {
    throw new TypeError(
      `FileStore: the id ${JSON.stringify(id)} cannot be stored. Use 1 to 128 of A-Z a-z 0-9 . _ ~ -, not dots alone, and no .info, .lock, .locks or .stop at the end.`,
    );
  }
  return namesAt(directory, id, path === undefined ? childOf(directory, id) : pathInside(directory, path));
}

/** Names of an upload that exists; undefined if its data would be outside the directory. */
export function namesOfExisting(
  directory: string,
  id: string,
  storage: Readonly<Record<string, string>> | undefined,
): UploadNames | undefined {
  const { path, Path } = storage ?? {};
  if (`${path ?? ''}${Path ?? ''}`.includes('\0')) return undefined;
  const data = path === undefined ? placeOf(directory, id, Path) : resolve(directory, path);
  return data !== undefined && isInside(directory, data) ? namesAt(directory, id, data) : undefined;
}

/** tusd writes where it found its file: by an absolute path, or one that starts from its working directory. */
function placeOf(directory: string, id: string, Path: string | undefined): string | undefined {
  const local = join(directory, id);
  if (!Path) return local;
  const named = resolve(Path);
  if (isInside(directory, named)) return named;
  // The folder was moved.
  return basename(Path) === id ? local : undefined;
}

function pathInside(directory: string, path: string): string {
  const data = resolve(directory, path);
  if (path.includes('\0') || !isInside(directory, data)) {
    throw new TypeError(
      `FileStore: storage.path ${JSON.stringify(path)} is not below the store's directory. Give a relative path such as "2024/report.pdf".`,
    );
  }
  const way = relative(directory, data).split(sep);
  if (way.some((name) => OWN_NAME.test(name))) {
    throw new TypeError(
      `FileStore: storage.path ${JSON.stringify(path)} has a name in it that the store itself uses. Take another ending than .info, .lock, .locks and .stop.`,
    );
  }
  return data;
}

function isInside(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function namesAt(directory: string, id: string, data: string): UploadNames {
  const seized = `${id}@seized`;
  const isPlaced = data !== childOf(directory, id);
  return {
    info: infoName(directory, id),
    data,
    seized: isPlaced ? join(dirname(data), seized) : childOf(directory, seized),
  };
}

/** As `join`, which takes a path apart and puts it together again, for a directory that is resolved and a plain name. */
function childOf(directory: string, name: string): string {
  return directory.endsWith(sep) ? `${directory}${name}` : `${directory}${sep}${name}`;
}

/** Temporary files carry the token of the lock under which they are written, so that a later holder can tell whose they are. */
export function temporaryNames(names: UploadNames, token: string): { info: string; data: string } {
  const id = basename(names.info, '.info');
  return {
    info: join(dirname(names.info), `${id}@${token}.info`),
    data: join(dirname(names.data), `${id}@${token}.data`),
  };
}

/** The id in the name of a temporary file; undefined for every other name. */
export function idOfTemporary(name: string): string | undefined {
  return TEMPORARY.exec(name)?.[1];
}

const processToken = randomBytes(8).toString('hex');
let withoutLock = 0;

/** A lock's token as a part of a file name. Who has no lock gets a name that nobody else has. */
export function tokenOf(lock: Lock | undefined): string {
  if (lock?.token !== undefined) return tokenInName(lock.token);
  withoutLock += 1;
  return `${processToken}-${withoutLock}`;
}

export function tokenInName(token: string): string {
  return PLAIN_TOKEN.test(token) ? token : createHash('sha256').update(token).digest('hex');
}
