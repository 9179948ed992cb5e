import { link, lstat, mkdir, readdir, rename, rm, rmdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrno } from '../errno.js';
import { rehearseLocks } from './rehearse-locks.js';
import { type Holder, holderNamed } from './token.js';

/** Folders kept ready, so that an upload can be locked, and then deleted, on a disk that is full. */
const SPARES = 8;

/** After so many milliseconds a folder without a socket belongs to a process that died while it started. */
const LONGEST_START = 60_000;

/**
 * The locks of a folder, as its file system sees them. `held/<id>/` is the lock of an upload: it is held while there is
 * an entry in it, and the entry's name says by whom. Every change is one call that the kernel makes atomic, and that
 * names the state it expects:
 *
 * - `take` renames a folder with an entry over `held/<id>`, which works only while that is absent or empty
 * - `replace` renames one entry to another, which works only while the first is there
 * - `remove` unlinks one entry
 *
 * Names of entries never repeat, so whoever acts on what it saw long ago changes nothing. See
 * docs/decisions/file-locker.md.
 */
export class LockFolder {
  private readonly spares: string[] = [];
  private sparesMade = 0;
  private replenishing?: Promise<void>;

  /** @param own the name of this process */
  constructor(
    private readonly directory: string,
    private readonly own: string,
  ) {}

  async make(): Promise<void> {
    await mkdir(join(this.directory, 'held'), { recursive: true });
    await mkdir(this.processFolder(this.own), { recursive: true });
  }

  /**
   * Makes what `take` needs. Called when this process listens: before that its folder holds nothing but the socket.
   * @throws Error when the file system cannot do what locks need
   */
  async prepare(): Promise<void> {
    await writeFile(this.mark, '');
    await this.replenish();
    await this.rehearse();
  }

  private async rehearse(): Promise<void> {
    // Fewer than two: the disk is full. What is done without them needs no block.
    const [spare, target] = this.spares.splice(0, 2);
    if (spare === undefined || target === undefined) return;
    await rehearseLocks(this.mark, spare, target);
    this.spares.push(target);
  }

  /** Takes the lock if it is free: true when `entry` holds it now. */
  async take(id: string, entry: string): Promise<boolean> {
    const spare = this.spares.pop() ?? (await this.newSpare());
    const path = join(spare, entry);
    try {
      // Only the name matters. A hard link needs neither an inode nor a block: it is quick, and possible on a full disk.
      await link(this.mark, path);
      await rename(spare, this.lockFolder(id));
      return true;
    } catch (error) {
      await rm(path, { force: true });
      if (!hasErrno(error, 'ENOENT')) this.spares.push(spare);
      if (hasErrno(error, 'ENOTEMPTY', 'EEXIST')) return false;
      throw error;
    }
  }

  /** Lets `next` hold the lock instead of `current`: false when `current` does not hold it any more. */
  replace(id: string, current: string, next: string): Promise<boolean> {
    const folder = this.lockFolder(id);
    return unlessMissing(rename(join(folder, current), join(folder, next)));
  }

  /** Frees the lock: false when `entry` did not hold it any more. */
  async remove(id: string, entry: string): Promise<boolean> {
    const removed = await unlessMissing(unlink(join(this.lockFolder(id), entry)));
    await removeIfEmpty(this.lockFolder(id));
    return removed;
  }

  async isHolder(id: string, entry: string): Promise<boolean> {
    return unlessMissing(lstat(join(this.lockFolder(id), entry)));
  }

  /** Who holds the lock; undefined when nobody does. */
  async holder(id: string): Promise<Holder | undefined> {
    let entries: string[];
    try {
      entries = await readdir(this.lockFolder(id));
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
    // Two names are one that was replaced while the folder was read: the later one is as good as a fresh look.
    const entry = entries.at(-1);
    return entry === undefined ? undefined : holderNamed(entry);
  }

  /** Makes up for the folders that locks have used. Nobody has to wait for it. */
  replenish(): Promise<void> {
    this.replenishing ??= this.makeSpares().finally(() => (this.replenishing = undefined));
    return this.replenishing;
  }

  /** The names of all processes that have locked something here and have not left. */
  processes(): Promise<string[]> {
    return readdir(join(this.directory, 'processes'));
  }

  /** True when the process has begun to listen, whether it still does or not. */
  hasStarted(name: string): Promise<boolean> {
    return unlessMissing(lstat(join(this.processFolder(name), 'socket')));
  }

  /** Removes what a process has kept here that is dead: its socket and its spare folders. */
  forgetProcess(name: string): Promise<void> {
    return rm(this.processFolder(name), { recursive: true, force: true });
  }

  /** Removes what this process has kept here. */
  async leave(): Promise<void> {
    await this.replenishing;
    await this.forgetProcess(this.own);
  }

  /**
   * Removes what a process has left that died before it listened. Should it only have been very slow, it fails to start:
   * either this takes its socket away before it gets its name, or this finds nothing to remove.
   */
  async forgetUnstarted(name: string): Promise<void> {
    const folder = this.processFolder(name);
    let changed = 0;
    const isThere = await unlessMissing(lstat(folder).then(({ mtimeMs }) => (changed = mtimeMs)));
    if (!isThere || Date.now() - changed < LONGEST_START) return;
    await unlessMissing(unlink(join(folder, 'starting')));
    await removeIfEmpty(folder);
  }

  processFolder(name: string): string {
    return join(this.directory, 'processes', name);
  }

  private lockFolder(id: string): string {
    return join(this.directory, 'held', id);
  }

  private get mark(): string {
    return join(this.processFolder(this.own), 'mark');
  }

  private async makeSpares(): Promise<void> {
    try {
      while (this.spares.length < SPARES) this.spares.push(await this.newSpare());
    } catch (error) {
      // Whoever needs it and finds none gets the error.
      if (!hasErrno(error, 'ENOSPC', 'EDQUOT')) throw error;
    }
  }

  private async newSpare(): Promise<string> {
    this.sparesMade += 1;
    const spare = join(this.processFolder(this.own), `spare-${this.sparesMade}`);
    await mkdir(spare);
    return spare;
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    // Somebody else uses it already, or has removed it.
    if (!hasErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

async function unlessMissing(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
  }
}
