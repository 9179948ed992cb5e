import fs from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { jest } from '@jest/globals';
import { FileStore } from './index.js';
import { editInfo, FakeLock, FakeOperation, infoOf, temporaryFolder, text } from './testing/steps.js';

describe('FileStore that survives a loss of power', () => {
  const folder = temporaryFolder();
  afterEach(() => void jest.restoreAllMocks());
  const store = () => new FileStore({ directory: folder.path, durability: 'power-loss' });
  const underLock = () => new FakeOperation(new FakeLock('t1'));
  const reboot = () => editInfo(folder.file('a.info'), { BootId: 'the boot before' });
  const marks = async () => JSON.parse(await readFile(folder.file('a.info'), 'utf8'));

  async function withContent(content: string) {
    const upload = await store().newUpload(infoOf('a'), {});
    await upload.writeChunk(0, text(content), {});
    return upload;
  }

  async function offset(context: FakeOperation | object = {}, of = store()) {
    return (await (await of.getUpload('a', context)).getInfo(context)).offset;
  }

  /** Names of the files that are synced, in order. */
  function syncedNames(): string[] {
    const names: string[] = [];
    const opened = new Map<number, string>();
    const open = fs.open as (...args: unknown[]) => void;
    jest.spyOn(fs, 'open').mockImplementation((...args: unknown[]) => {
      const done = args.pop() as (error: Error | null, fd: number) => void;
      open(...args, (error: Error | null, fd: number) => {
        opened.set(fd, String(args[0]).slice(folder.path.length));
        done(error, fd);
      });
    });
    for (const call of ['fsync', 'fdatasync'] as const) {
      const original = fs[call];
      jest.spyOn(fs, call).mockImplementation((fd, done) => {
        names.push((opened.get(fd) ?? 'unknown').replace(/@[^.]+/, '@'));
        original(fd, done);
      });
    }
    return names;
  }

  it('syncs info and directory when it creates, and the data before a chunk is answered', async () => {
    const names = syncedNames();
    const upload = await store().newUpload(infoOf('a'), {});
    expect(names.splice(0)).toEqual(['/a.info', '']);
    await upload.writeChunk(0, text('abc'), {});
    expect(names.splice(0)).toEqual(['/a', '/a@.info', '']);
    await store().asUpdatableUpload(upload).update({ state: 'finished' }, {});
    expect(names.splice(0)).toEqual(['/a@.info', '']);
    await store().asTerminatableUpload(upload).terminate({});
    expect(names.splice(0)).toEqual(['']);
  });

  it('syncs the directories that it makes', async () => {
    const names = syncedNames();
    await store().newUpload(infoOf('a', { storage: { path: 'x/y/file' } }), {});
    expect(names).toEqual(['/a.info', '/x', '', '', '/x/y']);
  });

  it('syncs a final upload before it has its name', async () => {
    const part = await withContent('abc');
    const final = await store().newUpload(infoOf('f', { isFinal: true, size: 6 }), {});
    const names = syncedNames();
    await store().asConcatableUpload(final).concatUploads([part, part], {});
    expect(names).toEqual(['/f@.data', '', '/f@.info', '']);
  });

  it('syncs nothing when only the end of the process is to be survived', async () => {
    const names = syncedNames();
    const careless = new FileStore({ directory: folder.path });
    const upload = await careless.newUpload(infoOf('a'), {});
    await upload.writeChunk(0, text('abc'), {});
    await upload.finishUpload({});
    expect(names).toEqual([]);
  });

  it('reports after a reboot what was synced, though the file is longer', async () => {
    await withContent('abc');
    await appendFile(folder.file('a'), '\0\0\0');
    await reboot();
    expect(await offset()).toBe(3);
    expect(await offset(underLock())).toBe(3);
    expect(await offset({}, new FileStore({ directory: folder.path }))).toBe(3);
  });

  it('reports after a reboot what is there, when the file is shorter', async () => {
    await withContent('abc');
    await editInfo(folder.file('a.info'), { BootId: 'the boot before', SyncedOffset: 9 });
    expect(await offset()).toBe(3);
  });

  it('goes on after a reboot from what was synced', async () => {
    await withContent('abc');
    await appendFile(folder.file('a'), '\0\0\0');
    await reboot();
    const context = underLock();
    const upload = await store().getUpload('a', context);
    await upload.writeChunk(3, text('d'), context);
    expect(await readFile(folder.file('a'), 'utf8')).toBe('abcd');
    await reboot();
    expect(await offset()).toBe(4);
  });

  it('keeps what a killed process had received, and syncs it before it is reported', async () => {
    await withContent('abc');
    await appendFile(folder.file('a'), 'def');
    expect(await offset()).toBe(3);
    const names = syncedNames();
    expect(await offset(underLock())).toBe(6);
    expect(names).toEqual(['/a', '/a@.info', '']);
    await reboot();
    expect(await offset()).toBe(6);
  });

  it('writes the info once for each chunk, and not for an empty one', async () => {
    const upload = await withContent('abc');
    const { Revision } = await marks();
    await upload.writeChunk(3, text(''), {});
    expect((await marks()).Revision).toBe(Revision);
    await upload.writeChunk(3, text('d'), {});
    expect(await marks()).toMatchObject({ Revision: Revision + 1, SyncedOffset: 4 });
  });

  it('does not report less after a reboot when a store without this promise has gone on', async () => {
    await withContent('abc');
    const careless = new FileStore({ directory: folder.path });
    await (await careless.getUpload('a', {})).writeChunk(3, text('def'), {});
    expect((await marks()).SyncedOffset).toBeUndefined();
    expect(await offset()).toBe(6);
  });

  it('syncs what another server wrote before it is reported under the lock', async () => {
    await withContent('abc');
    await editInfo(folder.file('a.info'), { SyncedOffset: undefined, BootId: undefined });
    expect(await offset(underLock())).toBe(3);
    expect((await marks()).SyncedOffset).toBe(3);
  });
});
