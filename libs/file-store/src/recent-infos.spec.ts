import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FileInfo, type Lock, MemoryLocker, newUploadId } from '@nestjs-tus/core';
import { FileStore } from './file-store.js';
import { RecentInfos } from './recent-infos.js';

let directory: string;
let store: FileStore;
const locker = new MemoryLocker();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'recent-infos-'));
  store = new FileStore({ directory });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function infoOf(id: string): FileInfo {
  return {
    id,
    size: 10,
    sizeIsDeferred: false,
    offset: 0,
    metaData: { a: 'b' },
    isPartial: false,
    isFinal: false,
    partialUploads: [],
  };
}

async function locked<T>(id: string, work: (lock: Lock) => Promise<T>): Promise<T> {
  const lock = locker.newLock(id);
  await lock.tryLock();
  try {
    return await work(lock);
  } finally {
    await lock.unlock();
  }
}

const read = (id: string, lock: Lock) =>
  store.getUpload(id, { lock }).then((upload) => upload.getInfo({ lock }));

/** Changes the file behind the store's back, as another holder of the lock would. */
async function changeInfo(id: string): Promise<void> {
  const path = join(directory, `${id}.info`);
  await writeFile(path, (await readFile(path, 'utf8')).replace('"Size":10', '"Size":11'));
}

describe('FileStore, for whoever held the lock last', () => {
  it('reads the info once', async () => {
    const id = newUploadId();
    await store.newUpload(infoOf(id), {});
    await locked(id, (lock) => read(id, lock));
    await changeInfo(id);
    expect((await locked(id, (lock) => read(id, lock))).size).toBe(10);
  });

  it('reads it again when somebody else held the lock meanwhile', async () => {
    const id = newUploadId();
    await store.newUpload(infoOf(id), {});
    await locked(id, (lock) => read(id, lock));
    await locked(id, () => changeInfo(id));
    expect((await locked(id, (lock) => read(id, lock))).size).toBe(11);
  });

  it('reads it again without a lock, and under one that was seized', async () => {
    const id = newUploadId();
    await store.newUpload(infoOf(id), {});
    await locked(id, (lock) => read(id, lock));
    await changeInfo(id);
    expect((await (await store.getUpload(id, {})).getInfo({})).size).toBe(11);
    const seized = {
      previousToken: await locked(id, async (lock) => lock.token),
      token: 'x',
      seized: true,
    } as Lock;
    expect((await read(id, seized)).size).toBe(11);
  });

  it('remembers what was changed, and hands out no object that it keeps', async () => {
    const id = newUploadId();
    await store.newUpload(infoOf(id), {});
    await locked(id, async (lock) => {
      const upload = await store.getUpload(id, { lock });
      await store.asUpdatableUpload(upload).update({ state: 'receiving' }, { lock });
    });
    const first = await locked(id, (lock) => read(id, lock));
    first.metaData['a'] = 'changed by a listener';
    expect(await locked(id, (lock) => read(id, lock))).toMatchObject({
      state: 'receiving',
      metaData: { a: 'b' },
    });
  });

  it('knows a new upload from an old one of the same id', async () => {
    await store.newUpload(infoOf('named-by-a-hook'), {});
    await locked('named-by-a-hook', async (lock) => {
      const upload = await store.getUpload('named-by-a-hook', { lock });
      await store.asTerminatableUpload(upload).terminate({ lock });
    });
    await store.newUpload({ ...infoOf('named-by-a-hook'), size: 99 }, {});
    expect((await locked('named-by-a-hook', (lock) => read('named-by-a-hook', lock))).size).toBe(99);
  });

  it('sees that the data are gone', async () => {
    const id = newUploadId();
    await store.newUpload(infoOf(id), {});
    await locked(id, (lock) => read(id, lock));
    await rm(join(directory, id));
    await expect(locked(id, (lock) => read(id, lock))).rejects.toMatchObject({
      code: 'ERR_UPLOAD_NOT_FOUND',
    });
  });
});

describe('RecentInfos', () => {
  const lock = (token: string) => ({ token, previousToken: token }) as unknown as Lock;
  const held = (recent: RecentInfos) => (recent as unknown as { infos: { size: number } }).infos.size;

  it('remembers few infos that are long, and many that are short', () => {
    const long = new RecentInfos();
    const text = 'x'.repeat(265 * 1024);
    for (let count = 0; count < 1_000; count += 1) long.remember(`id-${count}`, lock('t'), text);
    expect(held(long) * text.length).toBeLessThan(12 * 1024 * 1024);
    expect(long.recall('id-999', lock('t'))).toBe(text);

    const short = new RecentInfos();
    for (let count = 0; count < 3_000; count += 1) short.remember(`id-${count}`, lock('t'), 'x'.repeat(600));
    expect(short.recall('id-0', lock('t'))).toBeDefined();
  });
});
