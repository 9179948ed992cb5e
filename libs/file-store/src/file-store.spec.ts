import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreComposer } from '@nestjs-tus/core';
import { FileStore, type FileStoreOptions } from './index.js';
import { contentOf, infoOf, temporaryFolder, text } from './testing/steps.js';

describe('FileStore', () => {
  const folder = temporaryFolder();
  const newStore = (options: Partial<FileStoreOptions> = {}) =>
    new FileStore({ directory: folder.path, ...options });

  it('puts itself and every extension into a composer', () => {
    const composer = new StoreComposer();
    newStore().useIn(composer);
    expect(composer.capabilities()).toBe(
      'Core: ✓ Terminater: ✓ Locker: ✗ Concater: ✓ LengthDeferrer: ✓ Verifier: ✓ Updater: ✓ Lister: ✓',
    );
  });

  describe('options', () => {
    it.each([
      [undefined, "write new FileStore({ directory: './uploads' })"],
      [{}, "directory: './uploads'"],
      [{ directory: '' }, "directory: './uploads'"],
      [{ directory: ' ' }, "directory: './uploads'"],
      [{ directory: 5 }, 'FileStore: directory is 5: write the path of a folder'],
      [{ directory: './x', durability: null }, 'or leave it out'],
      [{ directory: './x', staleAfter: 5 }, 'write one of directory, durability, dirMode, fileMode'],
      [['./x'], 'the options are an array'],
      [{ directory: './x', durability: 'safe' }, "write 'crash' or 'power-loss'"],
      [{ directory: './x', dirMode: '755' }, 'an octal number, e.g. 0o775'],
      [{ directory: './x', fileMode: 0o10000 }, 'an octal number, e.g. 0o664'],
      [
        { directory: './x', durabilty: 'crash' },
        "durabilty is unknown: write durability, 'crash' or 'power-loss'",
      ],
    ])('%j is refused with what to write instead', (options, advice) => {
      const make = () => new FileStore(options as FileStoreOptions);
      expect(make).toThrow(TypeError);
      expect(make).toThrow(advice);
    });

    it('touches nothing before it is used', async () => {
      newStore({ directory: folder.file('later') });
      expect(await readdir(folder.path)).toEqual([]);
    });

    it('gives files and directories the modes that were asked for', async () => {
      const store = newStore({ directory: folder.file('private'), dirMode: 0o700, fileMode: 0o600 });
      await store.init();
      await store.newUpload(infoOf('a'), {});
      const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
      expect(await modeOf(folder.file('private'))).toBe(0o700);
      expect(await modeOf(folder.file('private/a'))).toBe(0o600);
      expect(await modeOf(folder.file('private/a.info'))).toBe(0o600);
    });
  });

  describe('init', () => {
    it('makes a missing directory, and leaves nothing in it', async () => {
      await newStore({ directory: folder.file('a/b/c') }).init();
      expect(await readdir(folder.file('a/b/c'))).toEqual([]);
    });

    it('tells the operator when the directory cannot be made or written', async () => {
      await writeFile(folder.file('file'), '');
      const inside = folder.file('file/uploads');
      await expect(newStore({ directory: inside }).init()).rejects.toThrow(
        new RegExp(`the directory ${inside} is not writable .*ENOTDIR`),
      );
    });

    it('tells the operator when no directory can be made where its parent is', async () => {
      // Node's own recursive mkdir never ends below /proc; where there is none, this is a directory that nobody may make.
      await expect(newStore({ directory: '/proc/none/uploads' }).init()).rejects.toThrow('is not writable');
    });

    it('tells the operator when it may not write', async () => {
      // Root may write anywhere but here.
      const directory = process.getuid?.() === 0 ? '/proc' : folder.path;
      if (directory === folder.path) await chmod(directory, 0o500);
      await expect(newStore({ directory }).init()).rejects.toThrow(
        `the directory ${directory} is not writable`,
      );
      if (directory === folder.path) await chmod(directory, 0o700);
    });

    it('removes temporary files that a crash left, and no younger ones', async () => {
      const store = newStore();
      await store.newUpload(infoOf('a'), {});
      await writeFile(folder.file('a@old.info'), 'torn');
      await utimes(folder.file('a@old.info'), 0, 0);
      await writeFile(folder.file('a@new.data'), 'in use');
      await store.init();
      expect((await readdir(folder.path)).sort()).toEqual(['a', 'a.info', 'a@new.data']);
    });
  });

  describe('ids', () => {
    it.each([
      '.',
      '..',
      '',
      'a/b',
      '../a',
      'a\0',
      'a b',
      'ä',
      'a'.repeat(129),
      'a@b.info',
      'a.INFO',
      'a.lock',
    ])('%j is neither found nor stored', async (id) => {
      await writeFile(folder.file('a.info'), '{}');
      await expect(newStore().getUpload(id, {})).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' });
      await expect(newStore().newUpload(infoOf(id), {})).rejects.toThrow('cannot be stored');
      expect(await readdir(folder.path)).toEqual(['a.info']);
    });

    it('does not take the info of one upload for another', async () => {
      await newStore().newUpload(infoOf('abc'), {});
      await expect(newStore().getUpload('abc.info', {})).rejects.toMatchObject({
        code: 'ERR_UPLOAD_NOT_FOUND',
      });
    });

    it.each(['a', '.a', '~', 'a.b', '...a', 'A'.repeat(128)])('%j is stored', async (id) => {
      await newStore().newUpload(infoOf(id), {});
      expect((await (await newStore().getUpload(id, {})).getInfo({})).id).toBe(id);
    });
  });

  describe('creation', () => {
    it('overwrites neither data nor info that it did not write', async () => {
      await writeFile(folder.file('data'), 'precious');
      await writeFile(folder.file('info.info'), 'precious');
      for (const id of ['data', 'info']) {
        await expect(newStore().newUpload(infoOf(id), {})).rejects.toMatchObject({
          code: 'ERR_UPLOAD_EXISTS',
        });
      }
      expect((await readdir(folder.path)).sort()).toEqual(['data', 'info.info']);
      expect(await readFile(folder.file('data'), 'utf8')).toBe('precious');
      expect(await readFile(folder.file('info.info'), 'utf8')).toBe('precious');
    });

    it('makes one upload of many creations with the same id', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, () => newStore().newUpload(infoOf('same'), {})),
      );
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await (await newStore().getUpload('same', {})).getInfo({})).offset).toBe(0);
    });
  });

  describe('storage.path', () => {
    const placed = (path: string, id = 'a') => newStore().newUpload(infoOf(id, { storage: { path } }), {});

    it('places the data in sub-directories, made on demand, also after the folder was moved', async () => {
      const upload = await placed('2024/05/report.pdf');
      await upload.writeChunk(0, text('0123456789'), {});
      expect(await readFile(folder.file('2024/05/report.pdf'), 'utf8')).toBe('0123456789');
      expect((await upload.getInfo({})).storage).toEqual({
        Type: 'filestore',
        Path: folder.file('2024/05/report.pdf'),
        InfoPath: folder.file('a.info'),
        path: join('2024', '05', 'report.pdf'),
      });

      await mkdir(folder.file('moved/2024/05'), { recursive: true });
      await writeFile(folder.file('moved/a.info'), await readFile(folder.file('a.info')));
      await writeFile(folder.file('moved/2024/05/report.pdf'), 'moved data');
      const moved = newStore({ directory: folder.file('moved') });
      expect(await contentOf(await moved.getUpload('a', {}))).toBe('moved data');
    });

    it('never overwrites a file', async () => {
      await writeFile(folder.file('taken'), 'precious');
      await expect(placed('taken')).rejects.toMatchObject({ code: 'ERR_UPLOAD_EXISTS' });
      expect(await readFile(folder.file('taken'), 'utf8')).toBe('precious');
      expect(await readdir(folder.path)).toEqual(['taken']);
    });

    it.each(['../outside', '/etc/outside', 'a/../../outside', '.', 'x\0', ''])(
      '%j is refused',
      async (path) => {
        await expect(placed(path)).rejects.toThrow("is not below the store's directory");
        expect(await readdir(folder.path)).toEqual([]);
      },
    );

    it.each(['b.info', 'sub/x.lock', '.locks/x', 'b@token.data'])(
      '%j, a name of the store, is refused',
      async (path) => {
        await expect(placed(path)).rejects.toThrow('a name in it that the store itself uses');
      },
    );

    it('is removed with the upload', async () => {
      const store = newStore();
      await store.asTerminatableUpload(await placed('sub/x')).terminate({});
      expect(await readdir(folder.file('sub'))).toEqual([]);
      expect(await readdir(folder.path)).toEqual(['sub']);
    });
  });

  it('lists uploads in the order of their ids, and passes over what is none', async () => {
    const store = newStore();
    for (const id of ['b', 'B', 'a', 'c']) await store.newUpload(infoOf(id), {});
    await writeFile(folder.file('foreign.txt'), 'x');
    await writeFile(folder.file('torn.info'), '{"ID":"torn"');
    await writeFile(folder.file('other.info'), '[]');
    await mkdir(folder.file('sub.info'));
    await mkdir(folder.file('sub'));
    const { uploads, cursor } = await store.list({ limit: 2 });
    expect(uploads.map(({ id }) => id)).toEqual(['B', 'a']);
    expect((await store.list({}, cursor)).uploads.map(({ id }) => id)).toEqual(['b', 'c']);
  });

  it("refuses another store's upload", () => {
    const foreign = { writeChunk: async () => 0 };
    expect(() => newStore().asTerminatableUpload(foreign as never)).toThrow(TypeError);
  });

  it('refuses a chunk that does not begin where the upload ends', async () => {
    const upload = await newStore().newUpload(infoOf('a'), {});
    await upload.writeChunk(0, text('abc'), {});
    await expect(upload.writeChunk(2, text('x'), {})).rejects.toMatchObject({
      code: 'ERR_MISMATCHED_OFFSET',
    });
    await expect(upload.writeChunk(4, text('x'), {})).rejects.toMatchObject({
      code: 'ERR_MISMATCHED_OFFSET',
    });
    expect(await contentOf(upload)).toBe('abc');
  });
});
