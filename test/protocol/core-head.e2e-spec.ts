import { startInProcess } from '../harness/in-process-server.js';
import { rawExchange, RawSocket } from '../harness/raw-socket.js';
import { startServer } from '../harness/server-process.js';
import { createUpload, head, patch, storeUpload, terminate } from '../harness/tus-requests.js';

/** A framework around the engine has its own ideas of HEAD, ETag and Content-Length. */
const PLACES = [
  ['the engine', startInProcess],
  ['the server', startServer],
] as const;

describe.each(PLACES)('HEAD, %s', (_where, start) => {
  let server: { readonly url: string; readonly port: number };
  beforeAll(async () => {
    server = await start();
  });

  it('H1: reports the offset of a new, a half and a complete upload', async () => {
    const url = await createUpload(server.url, 10);
    expect((await head(url)).headers['upload-offset']).toBe('0');
    await patch(url, 0, 'hello');
    expect((await head(url)).headers['upload-offset']).toBe('5');
    await patch(url, 5, 'world');
    expect((await head(url)).headers['upload-offset']).toBe('10');
  });

  it('H2: reports the length when it is known, and only then', async () => {
    const known = await createUpload(server.url, 10);
    expect((await head(known)).headers['upload-length']).toBe('10');
    const deferred = await createUpload(server.url, 'deferred');
    expect((await head(deferred)).headers).not.toHaveProperty('upload-length');
    await patch(deferred, 0, 'hello', { 'Upload-Length': '8' });
    expect((await head(deferred)).headers['upload-length']).toBe('8');
  });

  it.each([
    ['never existed', () => Promise.resolve(new URL('0123456789abcdef0123456789abcdef', server.url).href)],
    [
      'was terminated',
      async () => {
        const url = await storeUpload(server.url, 'gone');
        await terminate(url);
        return url;
      },
    ],
  ])('H3: answers 404 without Upload-Offset for an upload that %s', async (_, urlOf) => {
    const reply = await head(await urlOf());
    expect([404, 410]).toContain(reply.status);
    expect(reply.headers).not.toHaveProperty('upload-offset');
    expect(reply.headers['tus-resumable']).toBe('1.0.0');
  });

  it('H4: answers 200', async () => {
    expect((await head(await createUpload(server.url, 10))).status).toBe(200);
  });

  it.each([
    ['new', ''],
    ['half', 'hello'],
    ['complete', 'helloworld'],
  ])('H5: says that the answer for a %s upload may not be stored', async (_, sent) => {
    const url = await createUpload(server.url, 10);
    if (sent) await patch(url, 0, sent);
    expect((await head(url)).headers['cache-control']).toBe('no-store');
  });

  it('H6: sends no body, no ETag and no length of something else', async () => {
    const url = await storeUpload(server.url, 'helloworld');
    const socket = await RawSocket.connect(server.port);
    const fields = { 'Tus-Resumable': '1.0.0', Connection: 'close' };
    await socket.sendHead('HEAD', new URL(url).pathname, fields);
    const response = await socket.response('HEAD');
    await socket.closed();
    expect(socket.unread).toHaveLength(0);
    expect(response.header('etag')).toBeUndefined();
    expect([undefined, '0']).toContain(response.header('content-length'));
  });

  it('H6: ignores conditional headers: an offset is never 304', async () => {
    const url = await storeUpload(server.url, 'helloworld');
    const fields = { 'Tus-Resumable': '1.0.0', 'If-None-Match': '*' };
    const { response } = await rawExchange(server.port, 'HEAD', new URL(url).pathname, fields);
    expect(response.status).toBe(200);
  });

  it('needs Tus-Resumable, unlike GET and OPTIONS', async () => {
    const url = await createUpload(server.url, 10);
    const reply = await head(url, { 'Tus-Resumable': undefined });
    expect(reply.status).toBe(412);
    expect(reply.headers['tus-version']).toBe('1.0.0');
    expect(reply.headers).not.toHaveProperty('upload-offset');
  });
});
