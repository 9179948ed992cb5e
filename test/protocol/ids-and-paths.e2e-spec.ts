import { MemoryStore } from '@nestjs-tus/core';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { rawExchange } from '../harness/raw-socket.js';
import {
  create,
  createUpload,
  download,
  head,
  locationOf,
  patch,
  send,
  storeUpload,
} from '../harness/tus-requests.js';

/** Notes every id that reaches it. */
class WatchedStore extends MemoryStore {
  readonly asked: string[] = [];

  override getUpload(
    ...[id, context]: Parameters<MemoryStore['getUpload']>
  ): ReturnType<MemoryStore['getUpload']> {
    this.asked.push(id);
    return super.getUpload(id, context);
  }
}

let store: WatchedStore;
let server: InProcessServer;
beforeAll(async () => {
  store = new WatchedStore();
  server = await startInProcess({ store });
});

const NOT_IDS = [
  '..',
  '.',
  '...',
  '../secret',
  '..%2fsecret',
  '%2e%2e',
  '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '..%5csecret',
  '..\\secret',
  'a/b',
  'a%2fb',
  'a%00b',
  'a%0d%0ab',
  'a%20b',
  'a:b',
  'a+b',
  'caf%C3%A9',
  '%',
  '%zz',
  'a'.repeat(129),
];

describe('ids from clients', () => {
  it.each(['HEAD', 'PATCH', 'GET', 'DELETE'])(
    '%s of what is no id is 404, and no store sees it',
    async (method) => {
      store.asked.length = 0;
      for (const id of NOT_IDS) {
        const { response, socket } = await rawExchange(server.port, method, `/files/${id}`, {
          'Tus-Resumable': '1.0.0',
          'Content-Type': 'application/offset+octet-stream',
          'Upload-Offset': '0',
        });
        socket.destroy();
        expect([id, response.status]).toEqual([id, 404]);
        expect(response.header('tus-resumable')).toBe('1.0.0');
      }
      expect(store.asked).toEqual([]);
    },
  );

  it('Upload-Concat with what is no id is refused, and no store sees it', async () => {
    store.asked.length = 0;
    for (const id of NOT_IDS) {
      const { response, socket } = await rawExchange(server.port, 'POST', '/files/', {
        'Tus-Resumable': '1.0.0',
        'Content-Length': '0',
        'Upload-Concat': `final;/files/${id}`,
      });
      socket.destroy();
      expect([400, 404]).toContain(response.status);
    }
    expect(store.asked).toEqual([]);
    expect(await server.uploads()).toEqual([]);
  });
});

describe('the URL of an upload', () => {
  it('is made of 128 random bits in hexadecimal', async () => {
    expect(await createUpload(server.url, 5)).toMatch(/\/files\/[0-9a-f]{32}$/);
  });

  it('may have a query, and a slash at the end', async () => {
    const url = await createUpload(server.url, 5);
    expect((await head(`${url}?signature=a/b`)).status).toBe(200);
    expect((await patch(`${url}?x=1`, 0, 'hello')).status).toBe(204);
    expect((await download(`${url}/`)).text).toBe('hello');
  });

  it('is the same with escaped letters (RFC 3986, 6.2.2.2)', async () => {
    const info = { id: 'a~b', size: 5, sizeIsDeferred: false, offset: 0, metaData: {} };
    await store.newUpload({ ...info, isPartial: true, isFinal: false, partialUploads: [] }, {});
    const spellings = ['a~b', 'a%7Eb', 'a%7eb', '%61~%62'];
    for (const spelling of spellings) {
      expect([spelling, (await head(`${server.url}${spelling}`)).status]).toEqual([spelling, 200]);
    }
    expect((await head(`${server.url}a%257Eb`)).status).toBe(404);
    expect((await patch(`${server.url}a%7Eb`, 0, 'hello')).status).toBe(204);
    const members = spellings.map((spelling) => `${new URL(server.url).pathname}${spelling}`);
    const final = await create(server.url, { 'Upload-Concat': `final;${members.join(' ')}` });
    expect((await download(locationOf(server.url, final))).text).toBe('hello'.repeat(4));
  });

  it.each(['/%66iles', '/files\\', '//files', '/x/../files', '/files;v=1', '/FILES'])(
    'is not found below %s, which some take for /files',
    async (collection) => {
      const id = (await createUpload(server.url, 5)).split('/').at(-1) ?? '';
      for (const [method, target] of [
        ['HEAD', `${collection}/${id}`],
        ['DELETE', `x://y/files/${id}`],
        ['GET', `/files/${id}#`],
        ['POST', collection],
      ] as const) {
        const { response, socket } = await rawExchange(server.port, method, target, {
          'Tus-Resumable': '1.0.0',
          'Upload-Length': '5',
          'Content-Length': '0',
        });
        socket.destroy();
        expect([method, target, response.status]).toEqual([method, target, 404]);
      }
      expect((await head(`${server.url}${id}`)).status).toBe(200);
    },
  );

  it('is case-sensitive', async () => {
    const url = await createUpload(server.url, 5);
    expect(
      (await head(url.replace(/[0-9a-f]{32}$/, (id) => id.toUpperCase().replace(/^\d*$/, 'A')))).status,
    ).toBe(404);
  });

  it('the collection is found with and without the slash', async () => {
    for (const collection of [server.url, server.url.replace(/\/$/, ''), `${server.url}?x=1`]) {
      const url = locationOf(server.url, await create(collection, { 'Upload-Length': '5' }));
      expect(url).toMatch(/\/files\/[0-9a-f]{32}$/);
      expect((await head(url)).status).toBe(200);
    }
  });
});

describe('methods', () => {
  it.each(['PUT', 'POST', 'TRACE', 'MKCOL'])(
    '%s on an upload is 405 with those there are',
    async (method) => {
      const url = await createUpload(server.url, 5);
      const reply = await send(method, url, { 'Tus-Resumable': '1.0.0' });
      expect(reply.status).toBe(405);
      expect(reply.text).toMatch(/^ERR_METHOD_NOT_ALLOWED: /);
      expect(String(reply.headers.allow).split(', ').sort()).toEqual([
        'DELETE',
        'GET',
        'HEAD',
        'OPTIONS',
        'PATCH',
      ]);
      expect(reply.headers['tus-resumable']).toBe('1.0.0');
    },
  );

  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'])(
    '%s on the collection is 405 with those there are',
    async (method) => {
      const reply = await send(method, server.url, { 'Tus-Resumable': '1.0.0' });
      expect(reply.status).toBe(405);
      expect(String(reply.headers.allow).split(', ').sort()).toEqual(['OPTIONS', 'POST']);
    },
  );

  it.each(['/', '/file', '/filesystem/', '/other/files/'])('%s is not ours: 404', async (path) => {
    const reply = await create(new URL(path, server.url).href, { 'Upload-Length': '5' });
    expect(reply.status).toBe(404);
  });
});

describe('basePath', () => {
  it.each(['/', '/api/v1/uploads/', 'uploads', '/uploads'])('%s: uploads live below it', async (basePath) => {
    const { port } = await startInProcess({ basePath });
    const collection = new URL(`/${basePath}/`.replace(/\/+/g, '/'), `http://127.0.0.1:${port}`).href;
    const url = await storeUpload(collection, 'hello', { 'Upload-Concat': 'partial' });
    expect(url.startsWith(collection)).toBe(true);
    expect((await download(url)).text).toBe('hello');
    const final = await create(collection, { 'Upload-Concat': `final;${url} ${new URL(url).pathname}` });
    expect((await download(locationOf(collection, final))).text).toBe('hellohello');
  });

  it('as an absolute URL is the base of every Location', async () => {
    const { port } = await startInProcess({ basePath: 'https://cdn.example.com/files/' });
    const reply = await create(`http://127.0.0.1:${port}/files/`, { 'Upload-Length': '5' });
    expect(reply.headers.location).toMatch(/^https:\/\/cdn\.example\.com\/files\/[0-9a-f]{32}$/);
  });
});

describe('Location behind a proxy', () => {
  const collection = (trusting: InProcessServer) => trusting.url;
  const asked = async (respectForwardedHeaders: boolean, headers: Record<string, string>) => {
    const trusting = await startInProcess({ respectForwardedHeaders });
    const reply = await create(collection(trusting), { ...headers, 'Upload-Length': '5' });
    expect(reply.status).toBe(201);
    return new URL(String(reply.headers.location), trusting.url);
  };

  it('is not told by headers that nobody trusts', async () => {
    const url = await asked(false, {
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'https',
      Forwarded: 'host=evil.example;proto=https',
    });
    expect([url.protocol, url.hostname]).toEqual(['http:', '127.0.0.1']);
  });

  it.each([
    [
      'X-Forwarded-*',
      { 'X-Forwarded-Host': 'app.example.com', 'X-Forwarded-Proto': 'https' },
      'https://app.example.com/files/',
    ],
    [
      'a port',
      { 'X-Forwarded-Host': 'app.example.com:8443', 'X-Forwarded-Proto': 'https' },
      'https://app.example.com:8443/files/',
    ],
    [
      'the first of a list',
      { 'X-Forwarded-Host': 'first.example, second.example', 'X-Forwarded-Proto': 'https, http' },
      'https://first.example/files/',
    ],
    [
      'a prefix',
      { 'X-Forwarded-Host': 'app.example.com', 'X-Forwarded-Prefix': '/tenant' },
      'http://app.example.com/tenant/files/',
    ],
    [
      'Forwarded',
      { Forwarded: 'for=192.0.2.1;host="app.example.com:8443";proto=https' },
      'https://app.example.com:8443/files/',
    ],
    [
      'the first of Forwarded',
      { Forwarded: 'host=first.example;proto=https, host=second.example;proto=http' },
      'https://first.example/files/',
    ],
    [
      'Forwarded before X-Forwarded-*',
      { Forwarded: 'host=first.example;proto=https', 'X-Forwarded-Host': 'second.example' },
      'https://first.example/files/',
    ],
  ])('is told by trusted headers: %s', async (_, headers, expected) => {
    const url = await asked(true, headers);
    expect(url.href.replace(/[0-9a-f]{32}$/, '')).toBe(expected);
  });

  it.each([
    ['a path in the host', { 'X-Forwarded-Host': 'evil.example/path' }],
    ['a user in the host', { 'X-Forwarded-Host': 'a@evil.example' }],
    ['an empty host', { 'X-Forwarded-Host': '' }],
    ['another protocol', { 'X-Forwarded-Proto': 'javascript' }],
    ['a prefix that leaves', { 'X-Forwarded-Prefix': '//evil.example' }],
  ])('ignores %s', async (_, headers) => {
    const url = await asked(true, headers);
    expect([url.protocol, url.hostname]).toEqual(['http:', '127.0.0.1']);
    expect(url.pathname).toMatch(/^\/files\/[0-9a-f]{32}$/);
  });
});
