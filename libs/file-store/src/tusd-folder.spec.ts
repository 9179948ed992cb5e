import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FileStore } from './index.js';
import { contentOf, temporaryFolder, text } from './testing/steps.js';

/** Uploads in a folder that tusd wrote. */
describe('FileStore in a folder of tusd', () => {
  const folder = temporaryFolder();
  const store = () => new FileStore({ directory: folder.path });

  /** The files that tusd makes: the data, and its FileInfo as Go's encoding/json writes it. */
  async function writtenByTusd(
    storage: object | null,
    data = 'hello',
    file = folder.file('f00'),
  ): Promise<void> {
    const info = {
      ID: 'f00',
      Size: 11,
      SizeIsDeferred: false,
      Offset: 0,
      MetaData: { filename: 'wörld.txt' },
      IsPartial: false,
      IsFinal: false,
      PartialUploads: null,
      Storage: storage,
    };
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, data);
    await writeFile(folder.file('f00.info'), JSON.stringify(info));
  }

  const layouts: [string, () => object | null][] = [
    ['v1', () => ({ Type: 'filestore', Path: folder.file('f00') })],
    ['v2', () => ({ Type: 'filestore', Path: folder.file('f00'), InfoPath: folder.file('f00.info') })],
    ['without Storage', () => null],
    ['by a path from its working directory', () => ({ Type: 'filestore', Path: 'data/f00' })],
    [
      'before the folder was moved',
      () => ({ Type: 'filestore', Path: '/srv/tusd/f00', InfoPath: '/srv/tusd/f00.info' }),
    ],
  ];

  it.each(layouts)('continues, reads and deletes an upload written %s', async (_, storage) => {
    await writtenByTusd(storage());
    const upload = await store().getUpload('f00', {});
    expect(await upload.getInfo({})).toMatchObject({
      id: 'f00',
      size: 11,
      sizeIsDeferred: false,
      offset: 5,
      metaData: { filename: 'wörld.txt' },
      partialUploads: [],
    });
    expect(await upload.writeChunk(5, text(' world'), {})).toBe(6);
    await upload.finishUpload({});
    expect(await contentOf(await store().getUpload('f00', {}))).toBe('hello world');
    await store().asTerminatableUpload(upload).terminate({});
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('continues one whose data a hook placed below the folder', async () => {
    const file = folder.file('sub/file.txt');
    await writtenByTusd({ Type: 'filestore', Path: file }, 'hello', file);
    const upload = await store().getUpload('f00', {});
    await upload.writeChunk(5, text(' world'), {});
    expect(await readFile(file, 'utf8')).toBe('hello world');
  });

  it('continues one in a folder that was reached by another way', async () => {
    await mkdir(folder.file('real'));
    await symlink(folder.file('real'), folder.file('link'));
    await writtenByTusd({ Type: 'filestore', Path: folder.file('real/f00') });
    for (const name of ['f00', 'f00.info'])
      await writeFile(folder.file(`real/${name}`), await readFile(folder.file(name)));
    const linked = new FileStore({ directory: folder.file('link') });
    expect(await contentOf(await linked.getUpload('f00', {}))).toBe('hello');
  });

  it('does not follow a path out of the folder', async () => {
    await writtenByTusd({ Type: 'filestore', Path: '/etc/hostname' });
    await expect(store().getUpload('f00', {})).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' });
  });

  it("keeps tusd's fields when it changes the info", async () => {
    await writtenByTusd({ Type: 'filestore', Path: folder.file('f00'), InfoPath: folder.file('f00.info') });
    const before = JSON.parse(await readFile(folder.file('f00.info'), 'utf8'));
    const upload = await store().getUpload('f00', {});
    await store()
      .asUpdatableUpload(upload)
      .update({ expiresAt: new Date(0) }, {});
    const after = JSON.parse(await readFile(folder.file('f00.info'), 'utf8'));
    expect(after).toEqual({ ...before, ExpiresAt: '1970-01-01T00:00:00.000Z', Revision: 1 });
  });

  it("writes new uploads with tusd's fields", async () => {
    const info = {
      id: 'a',
      size: 3,
      sizeIsDeferred: false,
      offset: 0,
      metaData: { k: 'v' },
      isPartial: true,
      isFinal: false,
      partialUploads: [],
    };
    await store().newUpload(info, {});
    expect(JSON.parse(await readFile(folder.file('a.info'), 'utf8'))).toMatchObject({
      ID: 'a',
      Size: 3,
      SizeIsDeferred: false,
      Offset: 0,
      MetaData: { k: 'v' },
      IsPartial: true,
      IsFinal: false,
      PartialUploads: null,
      Storage: { Type: 'filestore', Path: folder.file('a'), InfoPath: folder.file('a.info') },
    });
  });
});
