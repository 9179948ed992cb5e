import fs from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { jest } from '@jest/globals';
import { FileStore } from './index.js';
import { contentOf, FakeLock, FakeOperation, infoOf, temporaryFolder, text } from './testing/steps.js';

/** A holder is paused, loses its lock, and wakes up in the middle of what it did. */
describe('FileStore under a lock that was taken over', () => {
  const folder = temporaryFolder();
  afterEach(() => void jest.restoreAllMocks());
  const store = () => new FileStore({ directory: folder.path });
  const operation = (lock: FakeLock) => new FakeOperation(lock);
  const opened = async (context: FakeOperation) => store().getUpload('a', context);
  const sizeOf = async (name: string) => (await readFile(folder.file(name))).length;

  /** The first holder, paused in the middle of a chunk of which `abc` is written. */
  async function pausedWriter() {
    await store().newUpload(infoOf('a'), {});
    const lock = new FakeLock('t1');
    const context = operation(lock);
    const source = new PassThrough();
    const chunk = (await opened(context)).writeChunk(0, source, context);
    const written = nextWrite();
    source.write('abc');
    await written;
    lock.held = false;
    return { source, chunk, context };
  }

  /** Resolves when the next write to a file is done. */
  function nextWrite(): Promise<void> {
    const write = fs.write as unknown as (...args: unknown[]) => void;
    return new Promise((resolve) => {
      const spy = jest.spyOn(fs, 'write') as unknown as { mockImplementationOnce(f: typeof write): void };
      spy.mockImplementationOnce((...args) => {
        const done = args.pop() as (...results: unknown[]) => void;
        write(...args, (...results: unknown[]) => {
          done(...results);
          resolve();
        });
      });
    });
  }

  it('keeps what the earlier holder wrote, and nothing that it writes when it wakes up', async () => {
    const { source, chunk } = await pausedWriter();
    const second = operation(new FakeLock('t2', 't1', true));
    const upload = await opened(second);
    expect((await upload.getInfo(second)).offset).toBe(3);
    await upload.writeChunk(3, text('DEF'), second);

    source.end('xyz0000');
    await chunk;
    await second.end();
    expect(await readFile(folder.file('a'), 'utf8')).toBe('abcDEF');
    expect((await readdir(folder.path)).sort()).toEqual(['a', 'a.info']);
  });

  it('stays fenced when the one that took over only looked', async () => {
    const { source, chunk } = await pausedWriter();
    const looked = operation(new FakeLock('t2', 't1', true));
    expect((await (await opened(looked)).getInfo(looked)).offset).toBe(3);

    const third = operation(new FakeLock('t3', 't2'));
    const upload = await opened(third);
    await upload.writeChunk(3, text('DEF'), third);
    source.end('xyz0000');
    await chunk;
    expect(await readFile(folder.file('a'), 'utf8')).toBe('abcDEF');
  });

  it('reports and serves the upload while its data have another name', async () => {
    await pausedWriter();
    const looked = operation(new FakeLock('t2', 't1', true));
    await opened(looked);
    expect(await readdir(folder.path)).not.toContain('a');
    const upload = await store().getUpload('a', {});
    expect((await upload.getInfo({})).offset).toBe(3);
    expect(await contentOf(upload)).toBe('abc');
    expect((await store().list({})).uploads).toMatchObject([{ id: 'a', offset: 3 }]);
    await store().asTerminatableUpload(upload).terminate({});
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('is still there for whoever wants to create it again', async () => {
    await pausedWriter();
    await opened(operation(new FakeLock('t2', 't1', true)));
    await expect(store().newUpload(infoOf('a'), {})).rejects.toMatchObject({ code: 'ERR_UPLOAD_EXISTS' });
    expect((await readdir(folder.path)).sort()).toEqual(['a.info', 'a@seized']);
    expect(await contentOf(await store().getUpload('a', {}))).toBe('abc');
  });

  it('counts nothing that the earlier holder wrote after somebody has looked', async () => {
    const { source, chunk } = await pausedWriter();
    const looked = operation(new FakeLock('t2', 't1', true));
    await opened(looked);
    source.end('XXXXXXX');
    await chunk;
    const third = operation(new FakeLock('t3', 't2'));
    const upload = await opened(third);
    expect((await upload.getInfo(third)).offset).toBe(3);
    expect((await (await store().getUpload('a', {})).getInfo({})).offset).toBe(3);
    await upload.writeChunk(3, text('defghij'), third);
    await third.end();
    expect(await readFile(folder.file('a'), 'utf8')).toBe('abcdefghij');
    expect((await readdir(folder.path)).sort()).toEqual(['a', 'a.info']);
  });

  it('gives a whole upload its name back', async () => {
    await (await store().newUpload(infoOf('a', { size: 3 }), {})).writeChunk(0, text('abc'), {});
    // They wrote the last byte after it had been looked at and before the file had its other name.
    fs.renameSync(folder.file('a'), folder.file('a@seized'));
    const second = operation(new FakeLock('t2', 't1', true));
    expect((await (await opened(second)).getInfo(second)).offset).toBe(3);
    expect(await readFile(folder.file('a'), 'utf8')).toBe('abc');
  });

  it('leaves an upload that has all its bytes where it is', async () => {
    await (await store().newUpload(infoOf('a', { size: 3 }), {})).writeChunk(0, text('abc'), {});
    const { ino } = fs.statSync(folder.file('a'));
    const context = operation(new FakeLock('t2', 't1', true));
    await (await opened(context)).getInfo(context);
    expect(fs.statSync(folder.file('a')).ino).toBe(ino);
  });

  it('does not write for a holder that opened the file after it had lost the lock', async () => {
    await store().newUpload(infoOf('a'), {});
    const lock = new FakeLock('t1');
    const context = operation(lock);
    const upload = await opened(context);
    lock.held = false;
    await expect(upload.writeChunk(0, text('abc'), context)).rejects.toMatchObject({ code: 'ERR_LOCK_LOST' });
    expect(await sizeOf('a')).toBe(0);
  });

  it('does not replace the info for a holder that has lost the lock', async () => {
    await store().newUpload(infoOf('a'), {});
    const before = await readFile(folder.file('a.info'), 'utf8');
    const lock = new FakeLock('t1');
    const context = operation(lock);
    const upload = await opened(context);
    lock.held = false;
    const update = store().asUpdatableUpload(upload).update({ state: 'rejected' }, context);
    await expect(update).rejects.toMatchObject({ code: 'ERR_LOCK_LOST' });
    expect(await readFile(folder.file('a.info'), 'utf8')).toBe(before);
    expect((await readdir(folder.path)).sort()).toEqual(['a', 'a.info']);
  });

  it('makes the late rename of an earlier holder fail', async () => {
    await store().newUpload(infoOf('a'), {});
    const lock = new FakeLock('t1');
    const context = operation(lock);
    const upload = await opened(context);
    // It was asked while it held the lock, and paused before the rename.
    const second = operation(new FakeLock('t2', 't1', true));
    lock.isHeld = async () => {
      await opened(second);
      return true;
    };
    const update = store().asUpdatableUpload(upload).update({ state: 'rejected' }, context);
    await expect(update).rejects.toMatchObject({ code: 'ERR_LOCK_LOST' });
    expect((await (await store().getUpload('a', {})).getInfo({})).state).toBeUndefined();
  });

  it('does not join for a holder that has lost the lock', async () => {
    await (await store().newUpload(infoOf('p', { size: 3 }), {})).writeChunk(0, text('abc'), {});
    await store().newUpload(infoOf('a', { size: 3, isFinal: true }), {});
    const lock = new FakeLock('t1');
    const context = operation(lock);
    const final = store().asConcatableUpload(await opened(context));
    lock.held = false;
    const join = final.concatUploads([await store().getUpload('p', {})], context);
    await expect(join).rejects.toMatchObject({ code: 'ERR_LOCK_LOST' });
    expect(await sizeOf('a')).toBe(0);
    expect((await readdir(folder.path)).sort()).toEqual(['a', 'a.info', 'p', 'p.info']);
  });

  it('does not terminate for a holder that has lost the lock', async () => {
    await store().newUpload(infoOf('a'), {});
    const lock = new FakeLock('t1');
    const context = operation(lock);
    const upload = await opened(context);
    lock.held = false;
    const termination = store().asTerminatableUpload(upload).terminate(context);
    await expect(termination).rejects.toMatchObject({ code: 'ERR_LOCK_LOST' });
    expect((await readdir(folder.path)).sort()).toEqual(['a', 'a.info']);
  });

  it('removes the temporary files of every earlier holder, whose tokens it need not know', async () => {
    await store().newUpload(infoOf('a'), {});
    for (const name of ['a@t0.info', 'a@t1.data', 'ab@t1.info']) await writeFile(folder.file(name), 'x');
    await opened(operation(new FakeLock('t2', undefined, true)));
    expect((await readdir(folder.path)).filter((name) => name.includes('@')).sort()).toEqual([
      'a@seized',
      'ab@t1.info',
    ]);
  });

  it('commits nothing once the signal says that the lock is lost', async () => {
    await store().newUpload(infoOf('a'), {});
    const loss = new AbortController();
    const context = new FakeOperation(new FakeLock('t1'), loss.signal);
    const source = new PassThrough();
    const chunk = (await opened(context)).writeChunk(0, source, context);
    const written = nextWrite();
    source.write('abc');
    await written;
    loss.abort();
    source.write('def');
    await expect(chunk).rejects.toMatchObject({ code: 'ERR_LOCK_LOST' });
    expect(await sizeOf('a')).toBe(3);
  });
});
