import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpError } from '@nestjs-tus/core';
import { startServer } from '../harness/server-process.js';
import { eventually } from '../harness/eventually.js';
import { createUpload, download, head, patch, type Reply, send, terminate } from '../harness/tus-requests.js';
import { type FolderServer, startInFolder } from './uploads-in-a-folder.js';

const LONG_AGO = new Date('2020-01-01');

/** 10 of 100 bytes are there, and the server has never seen the info. */
async function unfinished(server: FolderServer): Promise<string> {
  const url = await createUpload(server.url, 100);
  await patch(url, 0, 'a'.repeat(10));
  return url;
}

/** The same folder as another process finds it. */
const reopened = (server: FolderServer) => startInFolder({ directory: server.folder });
const at = (server: FolderServer, url: string) => server.url + url.slice(url.lastIndexOf('/') + 1);

function expectSane({ status, headers }: Reply): void {
  expect(status).toBeLessThan(500);
  for (const name of ['upload-offset', 'upload-length']) expect(headers[name] ?? '0').toMatch(/^\d{1,16}$/);
  if (headers['upload-offset'] && headers['upload-length'])
    expect(Number(headers['upload-offset'])).toBeLessThanOrEqual(Number(headers['upload-length']));
}

describe('an info that is damaged', () => {
  it.each([
    [{ Size: -5 }],
    [{ Size: 0.5 }],
    [{ Size: 1e300 }],
    [{ Size: '100' }],
    [{ Size: null }],
    [{ Size: 5 }],
    [{ UnverifiedFrom: -3 }],
    [{ UnverifiedFrom: '3' }],
    [{ SyncedOffset: -3 }],
    [{ ToldOffset: 2.5 }],
    [{ ExpiresAt: 17 }],
    [{ CreatedAt: {} }],
    [{ PartialUploads: 'x' }],
    [{ PartialUploads: ['a\r\nb'], IsFinal: true }],
    [{ State: 'hello' }],

    [{ MetaData: { filename: 5 } }],
    [{ MetaDataHeader: 'a\r\nSet-Cookie: x' }],
    [{ ConcatHeader: 'a\nb' }],
    [{ Protocol: 'http' }],
    [{ Revision: -1 }],
    [{ MaxSize: -1 }],
    [{ Answer: { statusCode: 1 }, State: 'rejected' }],
    [{ Storage: { Path: 'a\0b' } }],
    [{ Storage: { path: '../outside' } }],
    [{ Storage: { path: 'x'.repeat(10_000) } }],
  ])(
    'by %j is answered without a 5xx to HEAD, a wrong number or a crash, and can be deleted or is not there',
    async (fields) => {
      const before = await startInFolder();
      const url = await unfinished(before);
      await before.editInfo(url, fields);
      const server = await reopened(before);
      const here = at(server, url);
      for (const ask of [
        () => head(here),
        () => download(here),
        () => patch(here, 10, 'a'),
        () => head(here),
      ])
        expectSane(await ask());
      expect([204, 404]).toContain((await terminate(here)).status);
      expect((await head(here)).status).toBe(404);
      expect(await server.handler.sweep()).toBe(0);
    },
  );

  it.each(['State', 'Context', 'MetaData', 'Junk'])(
    'by a %s of many levels is no end of the server',
    async (name) => {
      const before = await startInFolder();
      const url = await unfinished(before);
      const text = await readFile(before.infoOf(url), 'utf8');
      await writeFile(
        before.infoOf(url),
        `${text.slice(0, -1)},"${name}":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      );
      const server = await reopened(before);
      const here = at(server, url);
      for (const ask of [() => head(here), () => patch(here, 10, 'a'), () => head(here)])
        expectSane(await ask());
      expect((await terminate(here)).status).toBe(204);
    },
  );

  const contents: [string, string | Buffer][] = [
    ['empty', ''],
    ['of NUL bytes', '\0'.repeat(500)],
    ['torn', '{"ID":"'],
    ['no JSON', 'hello'],
    ['another shape', '[1,2,3]'],
    ['no UTF-8', Buffer.from([0xff, 0xfe, 0x7b, 0x80])],
    ['of 100,000 levels', '['.repeat(100_000)],
    ['of 40 MB', ' '.repeat(40_000_000)],
  ];
  it.each(contents)('that is %s is 410 to all but DELETE, which removes it', async (_, content) => {
    const before = await startInFolder();
    const url = await unfinished(before);
    await writeFile(before.infoOf(url), content);
    const server = await reopened(before);
    const here = at(server, url);
    for (const reply of [await head(here), await download(here), await patch(here, 10, 'a')])
      expect(reply.status).toBe(410);
    expect((await terminate(here)).status).toBe(204);
    expect(await server.names()).toEqual([]);
  });

  it('takes no file of the operator for an upload', async () => {
    const server = await startInFolder();
    for (const name of ['notes', 'notes.info']) await writeFile(join(server.folder, name), 'precious');
    await symlink('loop.info', join(server.folder, 'loop.info'));
    await writeFile(join(server.folder, 'loop'), 'precious');
    for (const id of ['notes', 'loop']) {
      for (const ask of [head, download, terminate])
        expect([404, 410]).toContain((await ask(server.url + id)).status);
    }
    expect(await server.names()).toEqual(['loop', 'loop.info', 'notes', 'notes.info']);
  });

  it.each([
    ['a folder', (path: string) => mkdir(path)],
    ['a link onto itself', (path: string) => symlink(path, path)],
    ['a pipe', (path: string) => Promise.resolve(void execFileSync('mkfifo', [path]))],
    ['an endless device', (path: string) => symlink('/dev/zero', path)],
  ])('and %s in its place is answered, not waited for', async (_, make) => {
    const before = await startInFolder();
    for (const which of ['infoOf', 'fileOf'] as const) {
      const url = await unfinished(before);
      await rm(before[which](url));
      await make(before[which](url));
      const server = await reopened(before);
      const here = at(server, url);
      for (const reply of [await head(here), await download(here), await patch(here, 10, 'a')])
        expect([404, 410]).toContain(reply.status);
      expect((await terminate(here)).status).toBeLessThan(500);
    }
  });

  it('is not removed for a client past a hook that cannot read whose it is, but by the application', async () => {
    const server = await startInFolder({
      preUploadTerminateCallback: () => {
        throw new HttpError({ code: 'ERR_NO', status: 403, message: 'not yours' });
      },
    });
    const url = await unfinished(server);
    await writeFile(server.infoOf(url), 'hello');
    const again = await startInFolder({
      directory: server.folder,
      preUploadTerminateCallback: () => ({}),
    });
    expect((await terminate(at(again, url))).status).toBe(410);
    await again.handler.terminate(url.slice(url.lastIndexOf('/') + 1));
    expect(await again.names()).toEqual([]);
  });
});

describe('a sweep', () => {
  it('passes over what cannot be read, says so once for each cause, and removes all else that has expired', async () => {
    const server = await startInFolder();
    const expired = [await unfinished(server), await unfinished(server)];
    for (const url of expired) await server.editInfo(url, { ExpiresAt: LONG_AGO.toISOString() });
    const damaged = await unfinished(server);
    await server.editInfo(damaged, { Size: -5 });
    const torn = await unfinished(server);
    await truncate(server.infoOf(torn), 30);
    await utimes(server.infoOf(torn), LONG_AGO, LONG_AGO);
    const young = await unfinished(server);
    await truncate(server.infoOf(young), 30);
    await symlink('loop.info', join(server.folder, 'loop.info'));
    await writeFile(join(server.folder, 'notes.info'), 'precious');

    const sweeping = await startInFolder({
      directory: server.folder,
      expiration: { after: 60_000, sweepInterval: 0 },
    });
    expect(await sweeping.handler.sweep()).toBe(2);
    const named = (text: string) => sweeping.complaints.filter((line) => line.includes(text));
    const idOf = (url: string) => url.slice(url.lastIndexOf('/') + 1);
    for (const id of [idOf(damaged), idOf(torn), 'loop']) expect(named(id)).toHaveLength(1);
    expect(named(idOf(damaged))[0]).toContain('Size: -5');
    expect(sweeping.complaints).toHaveLength(3);
    expect(await sweeping.handler.sweep()).toBe(0);
    expect(sweeping.complaints).toHaveLength(3);
    await server.editInfo(damaged, { Size: -6 });
    await sweeping.handler.sweep();
    expect(sweeping.complaints).toHaveLength(4);
    expect((await sweeping.store.list({})).failures?.map(({ id }) => id).sort()).toEqual(
      [idOf(damaged), idOf(torn), 'loop'].sort(),
    );
  });

  it('of the server as it is started goes on past an info that cannot be read', async () => {
    const server = await startServer({
      flags: ['--expire-after', '200ms', '--expire-sweep-interval', '100ms'],
    });
    await symlink('loop.info', join(server.uploadDir, 'loop.info'));
    const url = await createUpload(server.url, 10);
    const file = join(server.uploadDir, url.slice(url.lastIndexOf('/') + 1));
    await eventually('the expired upload is removed', () =>
      readFile(file).then(
        () => false,
        () => true,
      ),
    );
    await eventually('it is logged', () => /loop.*ELOOP/.test(server.stdout() + server.stderr()));
  });
});

describe.each(['crash', 'power-loss'] as const)(
  'an unfinished upload whose file is longer than its length, with durability %s',
  (durability) => {
    it.each(['the server that made it', 'another one'])(
      'is gone for its client at %s, and is never served',
      async (which) => {
        const before = await startInFolder({ durability });
        const url = await unfinished(before);
        await appendFile(before.fileOf(url), 'z'.repeat(200));
        const server =
          which === 'another one' ? await startInFolder({ durability, directory: before.folder }) : before;
        const here = at(server, url);
        for (const reply of [
          await head(here),
          await patch(here, 10, 'a'),
          await patch(here, 210, ''),
          await head(here),
        ])
          expect([reply.status, reply.headers['upload-offset']]).toEqual([410, undefined]);
        expect((await download(here)).status).toBeGreaterThanOrEqual(400);
        expect((await send('HEAD', here, { 'Tus-Resumable': '1.0.0' })).status).toBe(410);
        expect((await terminate(here)).status).toBe(204);
        expect(await server.names()).toEqual([]);
      },
    );
  },
);
