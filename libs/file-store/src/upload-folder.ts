import { basename, dirname, join } from 'node:path';
import { errors, type Lock, type StoreContext } from '@nestjs-tus/core';
import { hasErrno } from './errno.js';
import {
  close,
  fdatasync,
  lstatIfThere,
  mkdir,
  open,
  readdir,
  remove,
  rename,
  statIfThere,
  syncDirectory,
  withFile,
  writeAll,
} from './files.js';
import { infoError, type OpenInfo, type ReadInfo, readToChange, readToLook } from './info-file.js';
import { parseInfo } from './parse-info.js';
import { RecentInfos } from './recent-infos.js';
import { FINISHED_BYTE, formatInfo, formatNewInfo, isClosed, type StoredInfo } from './info-record.js';
import type { ResolvedOptions } from './options.js';
import { idOfTemporary, infoName, tokenOf, temporaryNames, type UploadNames } from './upload-names.js';

/** Milliseconds after which a temporary file that nobody renamed is what a crash left. Writing one takes a few. */
const STALE_TEMPORARY_AGE = 60_000;

/** The folder with all uploads: what concerns names in it, and how long they last. */
export class UploadFolder {
  readonly directory: string;
  readonly survivesPowerLoss: boolean;
  private readonly dirMode: number;
  private readonly fileMode: number;
  /** Locks that were taken from a holder that did not let go, and whose work here has begun. */
  private readonly takenOver = new WeakSet<Lock>();
  private readonly recent = new RecentInfos();

  constructor(options: ResolvedOptions) {
    this.directory = options.directory;
    this.survivesPowerLoss = options.durability === 'power-loss';
    this.dirMode = options.dirMode;
    this.fileMode = options.fileMode;
  }

  /** Makes the folder, tries to write in it, and removes what crashes left. Rejects with a text for the operator. */
  async prepare(): Promise<void> {
    try {
      await this.makeDirectory(this.directory);
      await this.probe();
    } catch (cause) {
      if (this.survivesPowerLoss && hasErrno(cause, 'ERR_ACCESS_DENIED')) throw syncForbidden(cause);
      throw new Error(
        `FileStore: the directory ${this.directory} is not writable (${reasonOf(cause)}). ` +
          'Let the user that runs the server write there, or give another directory.',
        { cause },
      );
    }
    await this.removeStaleTemporaries();
  }

  /** Tries to write in the folder. */
  async probe(): Promise<void> {
    const probe = join(this.directory, `probe@${tokenOf(undefined)}.data`);
    await withFile(probe, 'wx', (fd) => this.sync(fd), this.fileMode);
    await this.syncNames(probe);
    await remove(probe);
  }

  /**
   * @throws HttpError `ERR_UPLOAD_NOT_FOUND` when there is none; `ERR_UPLOAD_DAMAGED` when it does not say what it must; what the system
   *   says when it cannot be read now
   */
  async readInfo(id: string): Promise<StoredInfo> {
    try {
      return parseInfo(await readToLook(infoName(this.directory, id)), id);
    } catch (error) {
      throw infoError(error);
    }
  }

  /**
   * Reads an info under the upload's lock, or remembers it. The file stays open to the end of the operation, which may have to add to it.
   *
   * @throws HttpError as `readInfo`
   */
  async readInfoUnder(
    lock: Lock,
    id: string,
    context: StoreContext,
  ): Promise<{ readonly stored: StoredInfo; readonly open?: OpenInfo }> {
    try {
      const recalled = this.recent.recall(id, lock);
      const read: ReadInfo =
        recalled === undefined
          ? await readToChange(infoName(this.directory, id), id, context)
          : { text: recalled };
      const stored = parseInfo(read.text, id);
      this.remember(stored, lock, read.text);
      return { stored, open: read.open };
    } catch (error) {
      throw infoError(error);
    }
  }

  /** False for an info that is so young that the operation that makes it may be under way. */
  async isSettled(id: string): Promise<boolean> {
    const stats = await lstatIfThere(infoName(this.directory, id));
    return stats !== undefined && stats.mtimeMs < Date.now() - STALE_TEMPORARY_AGE;
  }

  /**
   * Writes the first info of an upload, and leaves its file open, for `finishInPlace`. Rejects with EEXIST when there is one.
   */
  async createInfo(names: UploadNames, stored: StoredInfo, lock: Lock | undefined): Promise<OpenInfo> {
    const { text, finishAt } = formatNewInfo(stored);
    const fd = await this.create(names.info);
    try {
      await this.writeInfo(fd, text);
      this.remember(stored, lock, text);
      return { fd, finishAt };
    } catch (error) {
      await close(fd);
      await remove(names.info);
      throw error;
    }
  }

  /**
   * Has an info say that its upload is finished: one byte, which a reader sees or does not. The file was opened at the beginning of this
   * operation: should another holder of the lock have replaced it, this changes a file that has no name any more. Should it have begun
   * without replacing it, it has seen that all bytes are there, as this one has.
   */
  async finishInPlace(fd: number, finishAt: number, id: string): Promise<void> {
    await writeAll(fd, Buffer.from(FINISHED_BYTE), finishAt);
    await this.sync(fd);
    this.recent.forget(id);
  }

  /** Creates the data file, and has both names last; answers its open descriptor. Rejects with EEXIST when there is one. */
  async createData(names: UploadNames): Promise<number> {
    const fd = await this.create(names.data);
    if (!this.survivesPowerLoss) return fd;
    try {
      await this.syncNames(names.info, names.data);
      return fd;
    } catch (error) {
      await close(fd);
      await remove(names.data);
      throw error;
    }
  }

  /**
   * Replaces the info of an upload: whoever reads it, at whatever instant, sees the old one or the new one.
   *
   * @throws HttpError `ERR_LOCK_LOST`
   */
  async replaceInfo(names: UploadNames, stored: StoredInfo, context: StoreContext): Promise<void> {
    const temporary = temporaryNames(names, tokenOf(context.lock)).info;
    const text = formatInfo(stored);
    try {
      await withFile(temporary, 'w', (fd) => this.writeInfo(fd, text), this.fileMode);
      await this.commit(temporary, names.info, context);
      this.remember(stored, context.lock, text);
    } catch (error) {
      this.recent.forget(stored.info.id);
      await remove(temporary);
      throw error;
    }
  }

  /**
   * Gives a finished temporary file its name. The lock is asked for after the file was written: who takes over from
   * here removes the file first, and the rename fails.
   *
   * @throws HttpError `ERR_LOCK_LOST`
   */
  async commit(temporary: string, name: string, context: StoreContext): Promise<void> {
    await assertHeld(context);
    await rename(temporary, name).catch((error: unknown) => {
      throw hasErrno(error, 'ENOENT') ? errors.lockLost(error) : error;
    });
    await this.syncNames(name);
  }

  /** Makes the names of these files survive a loss of power, where that is promised. */
  async syncNames(...paths: string[]): Promise<void> {
    if (!this.survivesPowerLoss) return;
    for (const directory of new Set(paths.map((path) => dirname(path)))) await syncDirectory(directory);
  }

  /**
   * Begins the work under a lock that was taken from somebody who may wake up: what they have prepared and not renamed
   * goes away. What was read
   * before is out of date then: answers true when it has done so.
   */
  async takeOver(names: UploadNames, lock: Lock): Promise<boolean> {
    if (!lock.seized || this.takenOver.has(lock)) return false;
    const id = basename(names.info, '.info');
    for (const directory of new Set([this.directory, dirname(names.data)])) {
      const left = (await namesIn(directory)).filter((name) => idOfTemporary(name) === id);
      for (const name of left) await remove(join(directory, name));
    }
    this.takenOver.add(lock);
    return true;
  }

  /** Only of what is still to grow: of a closed upload the info is all that says that it is there. */
  private remember(stored: StoredInfo, lock: Lock | undefined, text: string): void {
    if (isClosed(stored)) this.recent.forget(stored.info.id);
    else this.recent.remember(stored.info.id, lock, text);
  }

  private async writeInfo(fd: number, text: string): Promise<void> {
    await writeAll(fd, Buffer.from(text), 0);
    await this.sync(fd);
  }

  /** Makes what was written to a file survive a loss of power, where that is promised. */
  private async sync(fd: number): Promise<void> {
    if (this.survivesPowerLoss) await fdatasync(fd);
  }

  /** Creates a file that must not exist, and the directories above it. Answers its open descriptor. */
  private async create(path: string): Promise<number> {
    try {
      return await open(path, 'wx', this.fileMode);
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
    await this.makeDirectory(dirname(path));
    return open(path, 'wx', this.fileMode);
  }

  private async makeDirectory(path: string): Promise<void> {
    const first = await mkdir(path, this.dirMode);
    if (first === undefined || !this.survivesPowerLoss) return;
    for (let made = path; made.length >= first.length; made = dirname(made))
      await syncDirectory(dirname(made));
  }

  private async removeStaleTemporaries(): Promise<void> {
    const before = Date.now() - STALE_TEMPORARY_AGE;
    for (const name of await readdir(this.directory)) {
      if (idOfTemporary(name) === undefined) continue;
      const path = join(this.directory, name);
      const stats = await statIfThere(path);
      if (stats && stats.mtimeMs < before) await remove(path);
    }
  }
}

/** False where `assertHeld` has nothing to ask: in one process nobody takes a lock away. */
export function mayBeLost({ lock, signal }: StoreContext): boolean {
  return lock?.isHeld !== undefined || signal !== undefined;
}

/** @throws HttpError `ERR_LOCK_LOST` when the operation must not change anything any more */
export async function assertHeld({ lock, signal }: StoreContext): Promise<void> {
  if (signal?.aborted) throw errors.lockLost(signal.reason);
  if (lock?.isHeld && !(await lock.isHeld())) throw errors.lockLost();
}

/** Node's permission model forbids both calls, whatever paths are allowed: without them nothing can be promised. */
function syncForbidden(cause: unknown): Error {
  return new Error(
    `FileStore: durability 'power-loss' needs fsync and fdatasync, which Node forbids under --permission (${reasonOf(cause)}). ` +
      "Write durability: 'crash', or start node without --permission.",
    { cause },
  );
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** A directory that is missing has nothing in it. */
async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  });
}
