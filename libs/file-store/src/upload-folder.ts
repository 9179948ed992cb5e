import { basename, dirname, join } from 'node:path';
import { errors, type Lock, type StoreContext } from '@nestjs-tus/core';
import { hasErrno } from './errno.js';
import {
  close,
  fdatasync,
  mkdir,
  open,
  readdir,
  remove,
  rename,
  statIfThere,
  syncDirectory,
  withFile,
  writeAll,
  writeAndClose,
} from './files.js';
import { readText } from './read-text.js';
import { RecentInfos } from './recent-infos.js';
import { formatInfo, parseInfo, type StoredInfo } from './info-record.js';
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
    await withFile(probe, 'wx', async () => undefined, this.fileMode);
    await remove(probe);
  }

  /** @throws HttpError `ERR_UPLOAD_NOT_FOUND` when there is none, or a torn one */
  async readInfo(id: string, lock?: Lock): Promise<StoredInfo> {
    try {
      const text = this.recent.recall(id, lock) ?? (await readText(infoName(this.directory, id)));
      const stored = parseInfo(text, id);
      if (lock) this.recent.remember(id, lock, text);
      return stored;
    } catch (error) {
      if (error instanceof SyntaxError || hasErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'))
        throw errors.notFound(error);
      throw error;
    }
  }

  /** Writes the first info of an upload. Rejects with EEXIST when there is one. */
  async createInfo(names: UploadNames, stored: StoredInfo, lock: Lock | undefined): Promise<void> {
    const text = formatInfo(stored);
    const fd = await this.create(names.info);
    try {
      if (this.survivesPowerLoss) await this.writeInfo(fd, text).finally(() => close(fd));
      else await writeAndClose(fd, Buffer.from(text));
      this.recent.remember(stored.info.id, lock, text);
    } catch (error) {
      await remove(names.info);
      throw error;
    }
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
      this.recent.remember(stored.info.id, context.lock, text);
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

  private async writeInfo(fd: number, text: string): Promise<void> {
    await writeAll(fd, Buffer.from(text), 0);
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
