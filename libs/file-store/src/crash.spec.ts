import fs from 'node:fs';
import { appendFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { jest } from '@jest/globals';
import { errors } from '@nestjs-tus/core';
import { FileStore } from './index.js';
import {
  contentOf,
  editInfo,
  FakeLock,
  FakeOperation,
  infoOf,
  temporaryFolder,
  text,
} from './testing/steps.js';

const never = () => new Promise<void>(() => undefined);

/** What the next process finds. A process that is killed leaves what it has written; nothing else is simulated. */
describe('FileStore after a crash', () => {
  const folder = temporaryFolder();
  afterEach(() => void jest.restoreAllMocks());
  const store = () => new FileStore({ directory: folder.path });
  const reopened = () => store().getUpload('a', {});
  const offset = async () => (await (await reopened()).getInfo({})).offset;

  async function withContent(content: string) {
    const upload = await store().newUpload(infoOf('a'), {});
    await upload.writeChunk(0, text(content), {});
    return upload;
  }

  it.each([
    ['empty', () => truncate(folder.file('a.info'), 0)],
    ['missing', () => rm(folder.file('a.info'))],
    ["another upload's", () => editInfo(folder.file('a.info'), { ID: 'b' })],
    ['no info', () => writeFile(folder.file('a.info'), '"text"')],
  ])('does not find an upload whose info is %s', async (_, damage) => {
    await withContent('abc');
    await damage();
    await expect(reopened()).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' });
  });

  it('says that an upload is damaged whose info is torn', async () => {
    await withContent('abc');
    await truncate(folder.file('a.info'), 20);
    await expect(offset()).rejects.toMatchObject({ code: 'ERR_UPLOAD_DAMAGED' });
  });

  it.each([
    ['tus', 2],
    ['ietf', undefined],
  ] as const)('reports of an upload of %s that was cut short by hand: %p', async (protocol, expected) => {
    const upload = await store().newUpload(infoOf('a', { protocol, state: 'receiving' }), {});
    await upload.writeChunk(0, text('abc'), {});
    await truncate(folder.file('a'), 2);
    if (expected === undefined)
      await expect(offset()).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' });
    else expect(await offset()).toBe(expected);
  });

  it('does not find an upload whose data are missing', async () => {
    await withContent('abc');
    await rm(folder.file('a'));
    await expect(reopened()).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' });
  });

  it('does not trust the offset in the info', async () => {
    await withContent('abc');
    await editInfo(folder.file('a.info'), { Offset: 9 });
    expect(await offset()).toBe(3);
  });

  it('reports what was written before the end', async () => {
    await withContent('abc');
    await appendFile(folder.file('a'), 'de');
    expect(await offset()).toBe(5);
  });

  describe('during a chunk with a checksum', () => {
    /** All bytes are in the file, and the process dies before they are verified. */
    async function killedBeforeVerification() {
      await withContent('abc');
      const verifiable = store().asVerifiableUpload(await reopened());
      await new Promise<void>((resolve) => {
        const verify = () => {
          resolve();
          return never();
        };
        void verifiable.writeVerifiedChunk(3, text('BAD'), verify, {});
      });
      expect(await readFile(folder.file('a'), 'utf8')).toBe('abcBAD');
    }

    it('neither reports nor serves what was not verified', async () => {
      await killedBeforeVerification();
      expect(await offset()).toBe(3);
      expect(await contentOf(await reopened())).toBe('abc');
    });

    it.each(['a plain chunk', 'a verified chunk'])('takes the rest back before %s', async (kind) => {
      await killedBeforeVerification();
      const upload = await reopened();
      const next = text('d');
      if (kind === 'a plain chunk') await upload.writeChunk(3, next, {});
      else
        await store()
          .asVerifiableUpload(upload)
          .writeVerifiedChunk(3, next, () => Promise.resolve(), {});
      expect(await offset()).toBe(4);
      expect(await readFile(folder.file('a'), 'utf8')).toBe('abcd');
    });

    it('does not clear the mark before the bytes are gone', async () => {
      await killedBeforeVerification();
      const upload = await reopened();
      await store().asUpdatableUpload(upload).update({ state: 'receiving' }, {});
      expect(await offset()).toBe(3);
    });

    it('is not taken for verified by a reader without a lock that looks while it is refused', async () => {
      await withContent('abc');
      const reader = await reopened();
      const upload = store().asVerifiableUpload(await reopened());
      let refuse = () => undefined as void;
      let chunk: Promise<unknown> = Promise.resolve();
      await new Promise<void>((stored) => {
        const verify = () => {
          stored();
          return new Promise<void>((_, reject) => (refuse = () => reject(errors.checksumMismatch())));
        };
        chunk = upload.writeVerifiedChunk(3, text('BAD'), verify, {}).catch(() => 'refused');
      });

      // The reader has seen the longer file; before it goes on, the chunk is refused and gone.
      const { stat } = fs;
      const look = (path: string, done: (error: Error | null, stats: fs.Stats) => void) =>
        stat(path, (error, stats) => {
          expect(stats.size).toBe(6);
          refuse();
          void chunk.then(() => done(error, stats));
        });
      jest.spyOn(fs, 'stat').mockImplementationOnce(look as never);
      expect((await reader.getInfo({})).offset).toBe(3);
      expect(await chunk).toBe('refused');
    });

    it('puts the mark before the first byte, and clears it after a refusal', async () => {
      await withContent('abc');
      const marks: unknown[] = [];
      const note = async () =>
        marks.push(JSON.parse(await readFile(folder.file('a.info'), 'utf8')).UnverifiedFrom);
      const upload = store().asVerifiableUpload(await reopened());
      const refuse = async () => {
        await note();
        throw errors.checksumMismatch();
      };
      await expect(upload.writeVerifiedChunk(3, text('BAD'), refuse, {})).rejects.toMatchObject({
        status: 460,
      });
      await note();
      expect(marks).toEqual([3, undefined]);
      expect(await readFile(folder.file('a'), 'utf8')).toBe('abc');
    });
  });

  it('can join again what was being joined', async () => {
    const part = await store().newUpload(infoOf('p', { size: 3 }), {});
    await part.writeChunk(0, text('xyz'), {});
    const final = await store().newUpload(infoOf('a', { size: 6, isFinal: true }), {});
    await writeFile(folder.file('a@killed.data'), 'xy');
    expect(await offset()).toBe(0);
    await store().asConcatableUpload(final).concatUploads([part, part], {});
    expect(await contentOf(await reopened())).toBe('xyzxyz');
  });

  it('removes with an upload what the holder before had not finished', async () => {
    const upload = await withContent('abc');
    for (const name of ['a@t1.info', 'a@t1.data', 'a@seized']) await writeFile(folder.file(name), 'x');
    const context = new FakeOperation(new FakeLock('t2', 't1'));
    await store().asTerminatableUpload(upload).terminate(context);
    expect(await readdir(folder.path)).toEqual([]);
  });
});
