import fs from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { jest } from '@jest/globals';
import { FileStore } from './index.js';
import { storageError } from './storage-error.js';
import { editInfo, FakeLock, FakeOperation, infoOf, temporaryFolder, text } from './testing/steps.js';

describe('FileStore, of an upload that is finished', () => {
  const folder = temporaryFolder();
  afterEach(() => void jest.restoreAllMocks());
  const store = () => new FileStore({ directory: folder.path });
  const info = () => readFile(folder.file('a.info'), 'utf8');
  const inode = async () => (await stat(folder.file('a.info'))).ino;

  async function withContent(content: string) {
    const upload = await store().newUpload(infoOf('a'), {});
    await upload.writeChunk(0, text(content), {});
  }

  /** Brings the rest of ten bytes under a lock, as the engine does, and leaves the operation open. */
  async function lastChunk(lock = new FakeLock('t1')) {
    const operation = new FakeOperation(lock);
    const upload = await store().getUpload('a', operation);
    await upload.writeChunk(5, text('56789'), operation);
    return { operation, upload };
  }

  it('changes one byte of its info, in place, in the operation that stores its last byte', async () => {
    await withContent('01234');
    const before = { text: await info(), inode: await inode() };
    const { operation, upload } = await lastChunk();
    await upload.finishUpload(operation);
    await operation.end();
    expect(await inode()).toBe(before.inode);
    expect(await info()).toBe(before.text.replace('"state"', '"State"'));
  });

  it('leaves an info alone that another holder of the lock has replaced', async () => {
    await withContent('01234');
    const { operation, upload } = await lastChunk();
    const next = new FakeOperation(new FakeLock('t2', 't1', true));
    const other = await store().getUpload('a', next);
    await store().asUpdatableUpload(other).update({ context: 'theirs', state: 'finishing' }, next);
    await next.end();
    const theirs = await info();
    await upload.finishUpload(operation);
    await operation.end();
    expect(await info()).toBe(theirs);
  });

  it('says so by a new info where the old one has no place for it', async () => {
    await withContent('01234');
    await editInfo(folder.file('a.info'), { state: undefined });
    const { operation, upload } = await lastChunk();
    await upload.finishUpload(operation);
    await operation.end();
    expect(JSON.parse(await info())).toMatchObject({ State: 'finished' });
  });

  it('is finished at a look, though that cannot be written down', async () => {
    await withContent('0123456789');
    const full = Object.assign(new Error('ENOSPC: injected'), { code: 'ENOSPC' });
    jest.spyOn(fs, 'write').mockImplementation((...args: unknown[]) => {
      const done = args.at(-1) as (error: Error) => void;
      setImmediate(() => done(full));
    });
    const operation = new FakeOperation(new FakeLock('t1'));
    const found = await (await store().getUpload('a', operation)).getInfo(operation);
    await operation.end();
    expect(found).toMatchObject({ offset: 10, size: 10 });
    expect(JSON.parse(await info())).not.toHaveProperty('State');
  });
});

describe('a failed file call', () => {
  it.each([
    ['ENOSPC', 507],
    ['EROFS', 503],
    ['EACCES', 503],
    ['EPERM', 503],
    ['EIO', 503],
    ['EMFILE', 503],
    ['ENOENT', 503],
    ['EISDIR', 503],
    ['ELOOP', 503],
    ['EINVAL', 500],
  ])('with %s is %d', (code, status) => {
    const cause = Object.assign(new Error(code), { code });
    expect(storageError(cause)).toMatchObject({ status, cause });
  });
});
