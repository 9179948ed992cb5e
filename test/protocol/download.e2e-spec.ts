import type { Readable } from 'node:stream';
import { MemoryStore, type StoreContext, type Upload } from '@nestjs-tus/core';
import { eventually } from '../harness/eventually.js';
import { startInProcess } from '../harness/in-process-server.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { RawSocket } from '../harness/raw-socket.js';
import { startServer } from '../harness/server-process.js';
import { createUpload, download, head, patch, send, storeUpload } from '../harness/tus-requests.js';
import { base64 } from '../harness/wire-values.js';

/** A framework around the engine has its own ideas of ETag, Range and Content-Type. */
const PLACES = [
  ['the engine', startInProcess],
  ['the server', startServer],
] as const;

describe.each(PLACES)('%s', (_where, start) => {
  let server: { readonly url: string; readonly port: number };
  let digits: string;
  beforeAll(async () => {
    server = await start();
    digits = await storeUpload(server.url, '0123456789');
  });
  const withMetadata = (pairs: Record<string, string>) =>
    storeUpload(server.url, 'content', {
      'Upload-Metadata': Object.entries(pairs)
        .map(([key, value]) => `${key} ${base64(value)}`)
        .join(','),
    });

  describe('GET', () => {
    it('serves a large upload byte for byte', async () => {
      const content = randomContent('download', 5_000_000);
      const reply = await download(await storeUpload(server.url, content));
      expect([reply.status, reply.headers['content-length']]).toEqual([200, '5000000']);
      expect(sha256(reply.body)).toBe(sha256(content));
    });

    it('of an empty upload is 200 with length 0', async () => {
      const reply = await download(await createUpload(server.url, 0));
      expect([reply.status, reply.headers['content-length'], reply.text]).toEqual([200, '0', '']);
    });

    it.each([
      ['new', ''],
      ['half', 'hello'],
    ])('of a %s upload is 400', async (_, sent) => {
      const url = await createUpload(server.url, 10);
      if (sent) await patch(url, 0, sent);
      const reply = await download(url);
      expect(reply.status).toBe(400);
      expect(reply.text).toMatch(/^ERR_INCOMPLETE_UPLOAD: /);
    });

    it('takes no lock: it goes on while another download of the same upload is not read', async () => {
      const url = await storeUpload(server.url, randomContent('slow', 8_000_000));
      const slow = await RawSocket.connect(server.port);
      await slow.sendHead('GET', new URL(url).pathname, {});
      slow.socket.pause();
      expect((await head(url)).status).toBe(200);
      expect((await download(url)).body).toHaveLength(8_000_000);
    });
  });

  describe('Range', () => {
    it.each([
      ['bytes=0-3', '0123', 'bytes 0-3/10'],
      ['bytes=4-', '456789', 'bytes 4-9/10'],
      ['bytes=-3', '789', 'bytes 7-9/10'],
      ['bytes=9-9', '9', 'bytes 9-9/10'],
      ['bytes=5-100', '56789', 'bytes 5-9/10'],
      ['bytes=-100', '0123456789', 'bytes 0-9/10'],
    ])('%s is 206', async (range, content, contentRange) => {
      const reply = await download(digits, { Range: range });
      expect([reply.status, reply.text, reply.headers['content-range']]).toEqual([
        206,
        content,
        contentRange,
      ]);
      expect(reply.headers['content-length']).toBe(String(content.length));
    });

    it.each(['bytes=10-', 'bytes=10-12', 'bytes=-0'])('%s is 416 with the size', async (range) => {
      const reply = await download(digits, { Range: range });
      expect([reply.status, reply.headers['content-range']]).toEqual([416, 'bytes */10']);
    });

    it('of an empty upload is 416', async () => {
      const reply = await download(await createUpload(server.url, 0), { Range: 'bytes=0-' });
      expect([reply.status, reply.headers['content-range']]).toEqual([416, 'bytes */0']);
    });

    it.each(['lines=0-3', 'bytes=3-1', 'bytes=a-b', 'bytes=-', 'bytes', '0-3'])(
      '%s is ignored',
      async (range) => {
        const reply = await download(digits, { Range: range });
        expect([reply.status, reply.text]).toEqual([200, '0123456789']);
      },
    );

    it('with several ranges is the whole or parts, never one of them alone', async () => {
      const reply = await download(digits, { Range: 'bytes=0-1,4-5' });
      if (reply.status === 206) expect(reply.headers['content-type']).toMatch(/^multipart\/byteranges/);
      else expect([reply.status, reply.text]).toEqual([200, '0123456789']);
    });

    it('is announced', async () => {
      expect((await download(digits)).headers['accept-ranges']).toBe('bytes');
    });
  });

  describe('conditions', () => {
    const validators = async () => {
      const { headers } = await download(digits);
      return { etag: String(headers.etag), modified: String(headers['last-modified']) };
    };
    const PAST = 'Mon, 01 Jan 2001 00:00:00 GMT';

    it('a download has a strong ETag, another one for each upload', async () => {
      const { etag } = await validators();
      expect(etag).toMatch(/^"[^"]+"$/);
      expect((await download(await storeUpload(server.url, '0123456789'))).headers.etag).not.toBe(etag);
    });

    it('If-None-Match with the tag is 304 without a body', async () => {
      const { etag } = await validators();
      for (const value of [etag, `W/${etag}`, '*', `"other", ${etag}`]) {
        const reply = await download(digits, { 'If-None-Match': value });
        expect([reply.status, reply.text, reply.headers.etag]).toEqual([304, '', etag]);
      }
      expect((await download(digits, { 'If-None-Match': '"other"' })).status).toBe(200);
    });

    it('If-Match with another tag is 412', async () => {
      const { etag } = await validators();
      expect((await download(digits, { 'If-Match': '"other"' })).status).toBe(412);
      expect((await download(digits, { 'If-Match': `W/${etag}` })).status).toBe(412);
      expect((await download(digits, { 'If-Match': etag })).status).toBe(200);
    });

    it('If-Modified-Since and If-Unmodified-Since', async () => {
      const { modified } = await validators();
      expect((await download(digits, { 'If-Modified-Since': modified })).status).toBe(304);
      expect((await download(digits, { 'If-Modified-Since': PAST })).status).toBe(200);
      expect((await download(digits, { 'If-Unmodified-Since': PAST })).status).toBe(412);
      expect((await download(digits, { 'If-Unmodified-Since': modified })).status).toBe(200);
    });

    it('If-Range decides whether the range counts', async () => {
      const { etag } = await validators();
      expect((await download(digits, { Range: 'bytes=0-3', 'If-Range': etag })).status).toBe(206);
      for (const stale of ['"other"', `W/${etag}`, PAST]) {
        const reply = await download(digits, { Range: 'bytes=0-3', 'If-Range': stale });
        expect([reply.status, reply.text]).toEqual([200, '0123456789']);
      }
    });
  });

  describe('Content-Type and Content-Disposition', () => {
    it.each([
      'text/plain',
      'image/png',
      'image/jpeg',
      'image/gif',
      'image/webp',
      'audio/ogg',
      'video/mp4',
      'application/ogg',
    ])('%s is shown in place', async (filetype) => {
      const { headers } = await download(await withMetadata({ filetype, filename: 'a.bin' }));
      expect(headers['content-type']).toBe(filetype);
      expect(headers['content-disposition']).toMatch(/^inline; ?filename="a.bin"$/);
    });

    it.each([
      'text/html',
      'image/svg+xml',
      'application/pdf',
      'application/xhtml+xml',
      'text/xml',
      'text/javascript',
    ])('%s is saved, never shown', async (filetype) => {
      const { headers } = await download(await withMetadata({ filetype }));
      expect(headers['content-disposition']).toMatch(/^attachment/);
    });

    it('an unknown type is octets, to be saved', async () => {
      const { headers } = await download(digits);
      expect(headers['content-type']).toBe('application/octet-stream');
      expect(headers['content-disposition']).toMatch(/^attachment/);
    });

    it('a name beyond ASCII comes in both forms', async () => {
      const { headers } = await download(await withMetadata({ filename: 'Maß 名.txt' }));
      const disposition = String(headers['content-disposition']);
      expect(disposition).toMatch(/filename="[ -~]*"/);
      const encoded = /filename\*=UTF-8''(\S+)$/.exec(disposition)?.[1] ?? '';
      expect(decodeURIComponent(encoded)).toBe('Maß 名.txt');
    });

    it('every answer forbids guessing the type', async () => {
      const unfinished = await createUpload(server.url, 5);
      for (const reply of [
        await download(digits),
        await download(unfinished),
        await send('GET', server.url),
      ]) {
        expect(reply.headers['x-content-type-options']).toBe('nosniff');
      }
    });
  });
});

it('GET is 405 where it is off', async () => {
  const without = await startInProcess({ disableDownload: true });
  const reply = await download(await storeUpload(without.url, 'hello'), { 'Tus-Resumable': '1.0.0' });
  expect(reply.status).toBe(405);
  expect(reply.headers.allow).not.toMatch(/GET/);
});

it('gives back what the store has opened for a client that has left meanwhile', async () => {
  const opened: Readable[] = [];
  const gate = { isAsked: false, open: (): void => undefined };
  /** A store that takes its time to open an upload. */
  class SlowStore extends MemoryStore {
    override async getUpload(id: string, context: StoreContext): Promise<Upload> {
      const upload = await super.getUpload(id, context);
      const getReader = upload.getReader.bind(upload);
      upload.getReader = async (...asked) => {
        gate.isAsked = true;
        await new Promise<void>((resolve) => (gate.open = resolve));
        const reader = await getReader(...asked);
        opened.push(reader);
        return reader;
      };
      return upload;
    }
  }
  const server = await startInProcess({ store: new SlowStore() });
  const { pathname } = new URL(await storeUpload(server.url, 'hello'));
  const left = new Promise((resolve) => server.http.once('request', (_, res) => res.once('close', resolve)));
  const socket = await RawSocket.connect(server.port);
  await socket.sendHead('GET', pathname, { Host: 'localhost' });
  await eventually('the store is asked', () => gate.isAsked);
  socket.destroy();
  await left;
  gate.open();
  await eventually('the stream is given back', () => opened[0]?.destroyed);
});
