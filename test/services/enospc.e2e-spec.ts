import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { FileInfo } from '@nestjs-tus/core';
import { FileStore } from '@nestjs-tus/file-store';

const DISK = 2 * 1024 * 1024;
const SIZE = 2 * DISK;

/** A disk of 2 MiB that really gets full: mounting it needs root. */
describe('FileStore on a full disk', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'enospc-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', directory]);
  });
  afterEach(() => {
    execFileSync('umount', [directory]);
    rmdirSync(directory);
  });

  const infoOf = (id: string): FileInfo => ({
    id,
    size: SIZE,
    sizeIsDeferred: false,
    offset: 0,
    metaData: {},
    isPartial: false,
    isFinal: false,
    partialUploads: [],
  });
  const content = () => Readable.from(Array.from({ length: SIZE / 65_536 }, () => Buffer.alloc(65_536, 'x')));
  const full = {
    code: 'ERR_INSUFFICIENT_STORAGE',
    status: 507,
    header: { 'Retry-After': expect.any(String) },
  };

  it('answers 507 with what is kept, reports exactly that, and terminates', async () => {
    const store = new FileStore({ directory });
    await store.init();
    const upload = await store.newUpload(infoOf('a'), {});
    const failure: unknown = await upload.writeChunk(0, content(), {}).catch((error: unknown) => error);
    expect(failure).toMatchObject(full);

    const { size } = await stat(join(directory, 'a'));
    expect(size).toBeGreaterThan(0);
    expect(failure).toMatchObject({ bytesWritten: size });
    const reopened = await store.getUpload('a', {});
    expect((await reopened.getInfo({})).offset).toBe(size);

    await store.asTerminatableUpload(reopened).terminate({});
    expect(await readdir(directory)).toEqual([]);
    const next = await store.newUpload({ ...infoOf('b'), size: 65_536 }, {});
    expect(await next.writeChunk(0, Readable.from([Buffer.alloc(65_536)]), {})).toBe(65_536);
  });

  it('keeps a verified boundary when a chunk with a checksum does not fit', async () => {
    const store = new FileStore({ directory });
    const upload = await store.newUpload(infoOf('a'), {});
    expect(await upload.writeChunk(0, Readable.from([Buffer.alloc(1_000)]), {})).toBe(1_000);
    const verify = () => Promise.resolve();
    const chunk = store.asVerifiableUpload(upload).writeVerifiedChunk(1_000, content(), verify, {});
    await expect(chunk).rejects.toMatchObject({ ...full, bytesWritten: 0 });
    expect((await (await store.getUpload('a', {})).getInfo({})).offset).toBe(1_000);
  });

  it.each(['crash', 'power-loss'] as const)('goes on when there is space again (%s)', async (durability) => {
    const store = new FileStore({ directory, durability });
    const ballast = await store.newUpload(infoOf('ballast'), {});
    await ballast.writeChunk(0, Readable.from([Buffer.alloc(DISK / 2)]), {});
    const upload = await store.newUpload({ ...infoOf('a'), size: DISK - 65_536 }, {});
    const whole = Buffer.alloc(DISK - 65_536, 'y');
    await expect(upload.writeChunk(0, Readable.from([whole]), {})).rejects.toMatchObject(full);
    await store.asTerminatableUpload(ballast).terminate({});

    const reopened = await store.getUpload('a', {});
    const { offset } = await reopened.getInfo({});
    await reopened.writeChunk(offset, Readable.from([whole.subarray(offset)]), {});
    expect((await reopened.getInfo({})).offset).toBe(whole.length);
  });
});
