import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrFileLocked, StoreComposer } from '@nestjs-tus/core';
import { FileLocker } from './file-locker.js';

const nobody = () => undefined;
const never = () => new AbortController().signal;

let directory: string;
let lockers: FileLocker[];

function locker(folder = directory): FileLocker {
  const made = new FileLocker({ directory: folder });
  lockers.push(made);
  return made;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'file-locker-'));
  lockers = [];
});

afterEach(async () => {
  await Promise.all(lockers.map((made) => made.close()));
  await rm(directory, { recursive: true, force: true });
});

describe('FileLocker', () => {
  it('becomes the locker of a composer, for several processes', () => {
    const composer = new StoreComposer();
    const made = locker();
    made.useIn(composer);
    expect(composer.locker).toBe(made);
    expect(composer.locker?.spansProcesses).toBe(true);
  });

  it('says at its start what the operator has to do when the folder cannot be used', async () => {
    await writeFile(join(directory, 'file'), '');
    await expect(locker(join(directory, 'file')).init()).rejects.toThrow(
      /FileLocker: locks cannot be kept in .*give another directory/,
    );
  });

  it.each([
    [undefined, "FileLocker: the options are undefined: write new FileLocker({ directory: './uploads' })"],
    [{ directory: '' }, 'FileLocker: directory is "": write the path of a folder'],
    [{ directory: undefined }, 'directory is missing: write the path of a folder'],
    [
      { directory: '.', staleAfter: 0 },
      'staleAfter is 0: write a whole number of milliseconds from 1 to 2147483647',
    ],
    [{ directory: '.', staleAfter: '5s' }, 'staleAfter is "5s": write a whole number of milliseconds from 1'],
    [
      { directory: '.', staleAfter: 2 ** 31 },
      'staleAfter is 2147483648: write a whole number of milliseconds',
    ],
    [{ directory: '.', stale: 5 }, 'stale is unknown: write staleAfter, a whole number of milliseconds'],
  ])('refuses the options %j', (options, text) => {
    expect(() => new FileLocker(options as { directory: string })).toThrow(text);
  });

  it.each(['', '.', '..', 'a/b', '../a', 'a\0', 'a'.repeat(129)])('refuses the id %j', (id) => {
    expect(() => locker().newLock(id)).toThrow(TypeError);
  });

  it('touches no file before the first lock', async () => {
    locker().newLock('upload');
    expect(await readdir(directory)).toEqual([]);
  });

  it('works in a directory whose path is longer than that of a socket may be', async () => {
    const deep = join(directory, 'd'.repeat(120), 'e'.repeat(120));
    const holder = locker(deep).newLock('upload');
    let asked = nobody;
    const isAsked = new Promise<void>((resolve) => (asked = () => void resolve()));
    await holder.lock(never(), asked);
    const waiter = locker(deep).newLock('upload');
    const holds = waiter.lock(never(), nobody);
    await isAsked;
    await holder.unlock();
    await holds;
    expect(waiter.previousToken).toBe(holder.token);
  });

  it('says what is wrong with a directory that cannot be used', async () => {
    await writeFile(join(directory, 'file'), '');
    await expect(locker(join(directory, 'file')).newLock('upload').tryLock()).rejects.toMatchObject({
      code: 'ERR_STORAGE_UNAVAILABLE',
      cause: { code: 'ENOTDIR' },
    });
  });

  it('can start later when it could not start at first', async () => {
    const made = locker(join(directory, 'later'));
    await writeFile(join(directory, 'later'), '');
    await expect(made.newLock('upload').tryLock()).rejects.toThrow();
    await rm(join(directory, 'later'));
    expect(await made.newLock('upload').tryLock()).toBe(true);
  });

  it('is asked to let go also for one who came while it waited itself', async () => {
    const holder = locker().newLock('upload');
    let askHolder = nobody;
    const holderAsked = new Promise<void>((resolve) => (askHolder = () => void resolve()));
    await holder.lock(never(), askHolder);
    const made = locker();
    const [first, second] = [made.newLock('upload'), made.newLock('upload')];
    const firstHolds = first.lock(never(), () => void first.unlock());
    const secondHolds = second.lock(never(), nobody);
    await holderAsked;
    await holder.unlock();
    await Promise.all([firstHolds, secondHolds]);
    expect(await first.isHeld?.()).toBe(false);
    expect(await second.isHeld?.()).toBe(true);
  });

  it('aborts what is held and refuses what waits when it is closed', async () => {
    const made = locker();
    const [held, waiting] = [made.newLock('upload'), locker().newLock('upload')];
    await held.lock(never(), nobody);
    let asked = nobody;
    const isAsked = new Promise<void>((resolve) => (asked = () => void resolve()));
    const behind = made.newLock('other');
    const foreign = lockers[1]?.newLock('other');
    await foreign?.lock(never(), asked);
    const refused = expect(behind.lock(never(), nobody)).rejects.toMatchObject({ code: ErrFileLocked.code });
    await isAsked;
    await made.close();
    await refused;
    expect(held.lost?.aborted).toBe(true);
    expect(await held.isHeld?.()).toBe(false);
    await waiting.lock(never(), nobody);
    await expect(made.newLock('third').tryLock()).rejects.toMatchObject({ code: ErrFileLocked.code });
  });

  it('sweeps what a process left that died before it listened, when that was long ago', async () => {
    const processes = join(directory, '.locks/processes');
    const [old, young] = ['0123456789abcdef', 'fedcba9876543210'];
    for (const name of [old, young]) {
      await mkdir(join(processes, name), { recursive: true });
      await writeFile(join(processes, name, 'starting'), '');
    }
    await utimes(join(processes, old), 0, 0);
    await locker().newLock('upload').tryLock();
    const left = await readdir(processes);
    expect(left).toContain(young);
    expect(left).not.toContain(old);
  });

  it('does not take what it does not know for a holder', async () => {
    await mkdir(join(directory, '.locks/held/upload/stranger'), { recursive: true });
    await expect(locker().newLock('upload').tryLock()).rejects.toThrow('"stranger" in a lock\'s folder');
  });
});
