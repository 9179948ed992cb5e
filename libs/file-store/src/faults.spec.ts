import fs from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { jest } from '@jest/globals';
import { FileStore } from './index.js';
import { contentOf, FakeOperation, infoOf, temporaryFolder, text } from './testing/steps.js';

type Done = (error: Error | null, written: number) => void;

/** Lets the next writes take `room` bytes; then the disk is as `code` says. */
function failWritesAfter(room: number, code: string): void {
  let left = room;
  const failure = Object.assign(new Error(`${code}: injected`), { code });
  const original = fs.write as unknown as (...args: unknown[]) => void;
  const write = (
    fd: number,
    buffer: Uint8Array,
    from: number,
    length: number,
    position: number,
    done: Done,
  ) => {
    const taken = Math.min(left, length);
    left -= taken;
    if (taken === 0) setImmediate(() => done(failure, 0));
    else original(fd, buffer, from, taken, position, done);
  };
  const writev = (fd: number, buffers: Uint8Array[], position: number, done: Done) => {
    const whole = Buffer.concat(buffers);
    write(fd, whole, 0, whole.length, position, done);
  };
  jest.spyOn(fs, 'write').mockImplementation(write as never);
  jest.spyOn(fs, 'writev').mockImplementation(writev as never);
}

describe('FileStore on a disk that fails', () => {
  const folder = temporaryFolder();
  afterEach(() => void jest.restoreAllMocks());
  const store = (durability: 'crash' | 'power-loss' = 'crash') =>
    new FileStore({ directory: folder.path, durability });
  const offset = async () => (await (await store().getUpload('a', {})).getInfo({})).offset;
  const names = async () => (await readdir(folder.path)).sort();

  it.each([
    ['ENOSPC', 'ERR_INSUFFICIENT_STORAGE', 507],
    ['EDQUOT', 'ERR_INSUFFICIENT_STORAGE', 507],
    ['EFBIG', 'ERR_INSUFFICIENT_STORAGE', 507],
    ['EIO', 'ERR_STORAGE_UNAVAILABLE', 503],
    ['EINVAL', 'ERR_INTERNAL_SERVER_ERROR', 500],
  ])('answers %s with %s, and keeps the bytes before it', async (code, expected, status) => {
    const upload = await store().newUpload(infoOf('a'), {});
    failWritesAfter(4, code);
    const chunk = upload.writeChunk(0, text('0123456789'), {});
    await expect(chunk).rejects.toMatchObject({ code: expected, status, bytesWritten: 4, cause: { code } });
    jest.restoreAllMocks();
    expect(await offset()).toBe(4);
    await (await store().getUpload('a', {})).writeChunk(4, text('456789'), {});
    expect(await readFile(folder.file('a'), 'utf8')).toBe('0123456789');
  });

  it('keeps nothing of a chunk to be verified', async () => {
    const upload = store().asVerifiableUpload(await store().newUpload(infoOf('a'), {}));
    const { size } = fs.statSync(folder.file('a.info'));
    // The mark fits in, and a part of the chunk.
    failWritesAfter(size + 30, 'ENOSPC');
    const chunk = upload.writeVerifiedChunk(
      0,
      Readable.from([Buffer.alloc(1_000)]),
      () => Promise.resolve(),
      {},
    );
    await expect(chunk).rejects.toMatchObject({ status: 507, bytesWritten: 0 });
    jest.restoreAllMocks();
    expect(await offset()).toBe(0);
  });

  it('leaves nothing of an upload that could not be created', async () => {
    failWritesAfter(10, 'ENOSPC');
    await expect(store().newUpload(infoOf('a'), {})).rejects.toMatchObject({ status: 507 });
    expect(await names()).toEqual([]);
  });

  it('keeps the old info when the new one does not fit', async () => {
    const upload = await store().newUpload(infoOf('a', { metaData: { a: 'b' } }), {});
    failWritesAfter(10, 'ENOSPC');
    const update = store().asUpdatableUpload(upload).update({ state: 'rejected' }, {});
    await expect(update).rejects.toMatchObject({ status: 507 });
    jest.restoreAllMocks();
    expect(await (await store().getUpload('a', {})).getInfo({})).toMatchObject({
      metaData: { a: 'b' },
      state: undefined,
    });
    expect(await names()).toEqual(['a', 'a.info']);
  });

  it('counts nothing that it could not record, where that is promised', async () => {
    const upload = await store('power-loss').newUpload(infoOf('a'), {});
    failWritesAfter(4, 'ENOSPC');
    const chunk = upload.writeChunk(0, text('0123'), {});
    await expect(chunk).rejects.toMatchObject({ status: 507, bytesWritten: 0 });
    expect((await (await store('power-loss').getUpload('a', {})).getInfo({})).offset).toBe(0);
  });

  it('joins all or nothing', async () => {
    const part = await store().newUpload(infoOf('p', { size: 3 }), {});
    await part.writeChunk(0, text('abc'), {});
    const final = store().asConcatableUpload(
      await store().newUpload(infoOf('a', { size: 6, isFinal: true }), {}),
    );
    failWritesAfter(1, 'ENOSPC');
    await expect(final.concatUploads([part, part], {})).rejects.toMatchObject({ status: 507 });
    jest.restoreAllMocks();
    expect(await offset()).toBe(0);
    expect(await names()).toEqual(['a', 'a.info', 'p', 'p.info']);
    await final.concatUploads([part, part], {});
    expect(await contentOf(await store().getUpload('a', {}))).toBe('abcabc');
  });

  it('terminates without writing anything', async () => {
    const upload = await store().newUpload(infoOf('a'), {});
    failWritesAfter(0, 'ENOSPC');
    await store().asTerminatableUpload(upload).terminate({});
    expect(await names()).toEqual([]);
  });

  it.each(['crash', 'power-loss'] as const)(
    'writes the rest of an info of which the system takes a part (%s)',
    async (durability) => {
      const original = fs.write as unknown as (...args: unknown[]) => void;
      const writeSome = (...[fd, buffer, from, , position, done]: unknown[]) =>
        original(fd, buffer, from, 7, position, done);
      const write = jest.spyOn(fs, 'write').mockImplementationOnce(writeSome);
      await store(durability).newUpload(infoOf('a'), {});
      expect(write).toHaveBeenCalledTimes(2);
      expect(await offset()).toBe(0);
    },
  );

  it('makes no upload where its info finds no room', async () => {
    failWritesAfter(30, 'ENOSPC');
    await expect(store().newUpload(infoOf('a'), {})).rejects.toMatchObject({ status: 507 });
    expect(await names()).toEqual([]);
  });

  it('closes every file that it opened', async () => {
    const open = jest.spyOn(fs, 'open');
    const close = jest.spyOn(fs, 'close');
    const context = new FakeOperation();
    const upload = await store().newUpload(infoOf('a', { size: 6 }), context);
    await upload.writeChunk(0, text('abc'), context);
    await upload.getInfo(context);
    failWritesAfter(1, 'EIO');
    await upload.writeChunk(3, text('def'), context).catch(() => undefined);
    await context.end();
    jest.mocked(fs.write).mockRestore();
    const reopened = await store().getUpload('a', {});
    await reopened.writeChunk(4, text('ef'), {});
    await store().asUpdatableUpload(reopened).update({ state: 'finished' }, {});
    expect(open.mock.calls.length).toBeGreaterThan(5);
    expect(close).toHaveBeenCalledTimes(open.mock.calls.length);
  });

  it('creates and fills a small upload with two files opened and three writes', async () => {
    const [open, write] = [jest.spyOn(fs, 'open'), jest.spyOn(fs, 'write')];
    const others = [
      jest.spyOn(fs, 'stat'),
      jest.spyOn(fs, 'fstat'),
      jest.spyOn(fs, 'read'),
      jest.spyOn(fs, 'rename'),
    ];
    const context = new FakeOperation();
    const upload = await store().newUpload(infoOf('a'), context);
    await upload.getInfo(context);
    await upload.writeChunk(0, text('0123456789'), context);
    await upload.getInfo(context);
    await upload.finishUpload(context);
    await context.end();
    expect(open).toHaveBeenCalledTimes(2);
    // The third is a byte: that the upload is finished.
    expect(write).toHaveBeenCalledTimes(3);
    for (const other of others) expect(other).not.toHaveBeenCalled();
  });
});
