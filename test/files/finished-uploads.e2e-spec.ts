import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { HttpError, type HookEvent } from '@nestjs-tus/core';
import { eventually } from '../harness/eventually.js';
import { startServer } from '../harness/server-process.js';
import {
  create,
  createUpload,
  download,
  head,
  locationOf,
  OFFSET_STREAM,
  patch,
  type Reply,
  send,
  storeUpload,
  terminate,
} from '../harness/tus-requests.js';
import { type FolderServer, startInFolder } from './uploads-in-a-folder.js';

const CONTENT = 'a'.repeat(1_000);
const PROCESSED = 'b'.repeat(600);

let server: FolderServer;
beforeAll(async () => {
  server = await startInFolder();
});

/** The ways in which an upload of CONTENT comes to its end. */
const WAYS: Record<string, (collection: string) => Promise<string>> = {
  'POST and PATCH': (collection) => storeUpload(collection, CONTENT),
  'one POST': (collection) => inOnePost(collection, CONTENT),
  'many PATCHes': async (collection) => {
    const url = await createUpload(collection, 1_000);
    for (let offset = 0; offset < 1_000; offset += 250) await patch(url, offset, 'a'.repeat(250));
    return url;
  },
  'a length that comes last': async (collection) => {
    const url = await createUpload(collection, 'deferred');
    await patch(url, 0, CONTENT);
    await patch(url, 1_000, '', { 'Upload-Length': '1000' });
    return url;
  },
  'a checksum': async (collection) => {
    const url = await createUpload(collection, 1_000);
    const sum = Buffer.from(await crypto.subtle.digest('SHA-1', Buffer.from(CONTENT))).toString('base64');
    const reply = await patch(url, 0, CONTENT, { 'Upload-Checksum': `sha1 ${sum}` });
    expect(reply.status).toBe(204);
    return url;
  },
  'a final upload': async (collection) => {
    const parts = [];
    for (const size of [400, 600])
      parts.push(await storeUpload(collection, 'a'.repeat(size), { 'Upload-Concat': 'partial' }));
    return locationOf(collection, await create(collection, { 'Upload-Concat': `final;${parts.join(' ')}` }));
  },
};

async function inOnePost(collection: string, content: string): Promise<string> {
  const fields = { 'Upload-Length': String(content.length), 'Content-Type': OFFSET_STREAM };
  return locationOf(collection, await create(collection, fields, content));
}

async function expectComplete(url: string): Promise<void> {
  const reply = await head(url);
  const { 'upload-offset': offset, 'upload-length': length } = reply.headers;
  expect([reply.status, offset, length]).toEqual([200, '1000', '1000']);
}

const statuses = async (replies: Promise<Reply>[]) =>
  (await Promise.all(replies)).map(({ status }) => status);

describe.each(['crash', 'power-loss'] as const)(
  'an upload that is finished, with durability %s',
  (durability) => {
    let durable: FolderServer;
    beforeAll(async () => {
      durable = await startInFolder({ durability });
    });

    it.each(Object.keys(WAYS))(
      'by %s shows the file as it was processed in place, and is not written',
      async (way) => {
        const url = (await WAYS[way]?.(durable.url)) ?? '';
        await writeFile(durable.fileOf(url), PROCESSED);
        expect((await download(url)).text).toBe(PROCESSED);
        await expectComplete(url);
        const written = await statuses([
          patch(url, 600, 'a'.repeat(400)),
          patch(url, 1_000, 'a'),
          patch(url, 0, CONTENT),
        ]);
        for (const status of written) expect([403, 409, 413]).toContain(status);
        expect(await readFile(durable.fileOf(url), 'utf8')).toBe(PROCESSED);
      },
    );

    it.each(Object.keys(WAYS))('by %s says so in its info', async (way) => {
      const url = (await WAYS[way]?.(durable.url)) ?? '';
      const info: unknown = JSON.parse(await readFile(durable.infoOf(url), 'utf8'));
      expect(info).toMatchObject({ State: 'finished' });
    });
  },
);

describe('a finished upload', () => {
  it.each([
    ['made smaller', (file: string) => truncate(file, 3)],
    ['made larger', (file: string) => appendFile(file, 'more')],
    ['emptied', (file: string) => truncate(file, 0)],
    ['removed', (file: string) => rm(file)],
    ['moved away', (file: string) => rename(file, `${file}-moved`)],
    [
      'replaced',
      (file: string) => writeFile(`${file}-new`, PROCESSED).then(() => rename(`${file}-new`, file)),
    ],
    ['replaced by a folder', (file: string) => rm(file).then(() => mkdir(file))],
    ['replaced by a link onto itself', (file: string) => rm(file).then(() => symlink(file, file))],
    ['set to another time', (file: string) => utimes(file, 1, 1)],
    ['set to another mode', (file: string) => chmod(file, 0o400)],
  ])(
    'whose file is %s is complete for its client, and its last PATCH is acknowledged again',
    async (_, change) => {
      const url = await storeUpload(server.url, CONTENT);
      await change(server.fileOf(url));
      await expectComplete(url);
      expect((await patch(url, 1_000, '')).status).toBe(204);
      expect([200, 410]).toContain((await download(url)).status);
      expect((await terminate(url)).status).toBe(204);
      expect((await head(url)).status).toBe(404);
    },
  );

  it('serves ranges, lengths and tags of what is there', async () => {
    const url = await storeUpload(server.url, CONTENT);
    const before = await download(url);
    await writeFile(server.fileOf(url), '0123456789');
    await utimes(server.fileOf(url), 1_000, 1_000);
    const now = await download(url);
    expect([now.text, now.headers['content-length']]).toEqual(['0123456789', '10']);
    expect(now.headers.etag).not.toBe(before.headers.etag);
    expect(now.headers['last-modified']).toBe(new Date(1_000_000).toUTCString());
    const part = await download(url, { Range: 'bytes=-3' });
    expect([part.status, part.text, part.headers['content-range']]).toEqual([206, '789', 'bytes 7-9/10']);
    const beyond = await download(url, { Range: 'bytes=500-' });
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, 'bytes */10']);
    const stale = await download(url, { Range: 'bytes=0-1', 'If-Range': String(before.headers.etag) });
    expect([stale.status, stale.text]).toEqual([200, '0123456789']);
    expect((await download(url, { 'If-None-Match': String(before.headers.etag) })).status).toBe(200);
    expect((await download(url, { 'If-None-Match': String(now.headers.etag) })).status).toBe(304);
  });

  it('whose file is gone is 410 to GET, and there again when the file is', async () => {
    const url = await storeUpload(server.url, CONTENT);
    await rename(server.fileOf(url), `${server.fileOf(url)}-away`);
    const gone = await download(url);
    expect([gone.status, gone.text]).toEqual([410, expect.stringMatching(/^ERR_CONTENT_GONE/)]);
    await rename(`${server.fileOf(url)}-away`, server.fileOf(url));
    expect((await download(url)).text).toBe(CONTENT);
  });

  it('whose file and info the application has removed is 404', async () => {
    const url = await storeUpload(server.url, CONTENT);
    await head(url);
    await rm(server.fileOf(url));
    await rm(server.infoOf(url));
    expect(await statuses([head(url), download(url), patch(url, 1_000, ''), terminate(url)])).toEqual([
      404, 404, 404, 404,
    ]);
  });

  it('leaves no descriptor open when it is asked for and not read', async () => {
    const url = await storeUpload(server.url, CONTENT);
    const etag = String((await download(url)).headers.etag);
    for (const headers of [{ 'If-None-Match': etag }, { 'If-Match': '"other"' }, { Range: 'bytes=5000-' }])
      await download(url, headers);
    const isClosed = async () => {
      const open = await readdir('/proc/self/fd');
      const names = await Promise.all(open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
      return !names.includes(server.fileOf(url));
    };
    await eventually('the file is closed', isClosed);
  });

  it('of another version, known by its length, becomes a fact at the first look', async () => {
    const url = await storeUpload(server.url, CONTENT);
    await server.editInfo(url, { State: undefined });
    await expectComplete(url);
    await truncate(server.fileOf(url), 10);
    await expectComplete(url);
    expect((await download(url)).text).toBe('a'.repeat(10));
  });

  it('that a hook has agreed to is one, and one that it has not agreed to is none', async () => {
    const answers = [new HttpError({ code: 'ERR_BUSY', status: 503, message: 'later' }), undefined];
    const hooked = await startInFolder({
      preFinishResponseCallback: (_: HookEvent) => {
        const answer = answers.shift();
        if (answer) throw answer;
        return {};
      },
    });
    const url = await createUpload(hooked.url, 1_000);
    expect((await patch(url, 0, CONTENT)).status).toBe(503);
    expect(JSON.parse(await readFile(hooked.infoOf(url), 'utf8'))).toMatchObject({ State: 'receiving' });
    await expectComplete(url);
    await truncate(hooked.fileOf(url), 1);
    await expectComplete(url);
  });

  it('is no member of a final upload any more when its file was changed', async () => {
    const parts = [];
    for (const content of ['aaaa', 'bbbb'])
      parts.push(await storeUpload(server.url, content, { 'Upload-Concat': 'partial' }));
    await truncate(server.fileOf(parts[0] ?? ''), 2);
    const reply = await create(server.url, { 'Upload-Concat': `final;${parts.join(' ')}` });
    expect([reply.status, reply.text]).toEqual([410, expect.stringMatching(/^ERR_UPLOAD_DAMAGED/)]);
  });
});

describe('the sweeper', () => {
  const old = { ExpiresAt: '2020-01-01T00:00:00.000Z' };

  it.each(Object.keys(WAYS))(
    'never takes an upload that is finished by %s, whatever became of its file',
    async (way) => {
      const sweeping = await startInFolder({ expiration: { after: 60_000, sweepInterval: 0 } });
      const url = (await WAYS[way]?.(sweeping.url)) ?? '';
      await truncate(sweeping.fileOf(url), 600);
      await sweeping.editInfo(url, old);
      const unfinished = await createUpload(sweeping.url, 10);
      await sweeping.editInfo(unfinished, old);
      expect(await sweeping.handler.sweep()).toBe(1);
      await expectComplete(url);
      expect((await head(unfinished)).status).toBe(404);
    },
  );

  it('writes down that an upload of another version is finished, so that it stays so', async () => {
    const sweeping = await startInFolder({ expiration: { after: 60_000, sweepInterval: 0 } });
    const url = await storeUpload(sweeping.url, CONTENT);
    await sweeping.editInfo(url, { ...old, State: undefined });
    expect(await sweeping.handler.sweep()).toBe(0);
    await truncate(sweeping.fileOf(url), 600);
    expect(await sweeping.handler.sweep()).toBe(0);
    await expectComplete(url);
  });

  it('of the server as it is started leaves a file alone that was made smaller in place', async () => {
    const started = await startServer({
      flags: ['--expire-after', '300ms', '--expire-sweep-interval', '100ms'],
    });
    const url = await inOnePost(started.url, CONTENT);
    const file = `${started.uploadDir}/${url.slice(url.lastIndexOf('/') + 1)}`;
    await writeFile(file, PROCESSED);
    const unfinished = await createUpload(started.url, 10);
    await eventually('it expires', async () => (await head(unfinished)).status === 404);
    const later = await createUpload(started.url, 10);
    await eventually('it expires', async () => (await head(later)).status === 404);
    expect(await readFile(file, 'utf8')).toBe(PROCESSED);
    expect((await send('GET', url)).text).toBe(PROCESSED);
  });
});
