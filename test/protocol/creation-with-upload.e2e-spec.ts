import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { createHash } from 'node:crypto';
import { eventually } from '../harness/eventually.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { chunked, rawExchange, RawSocket } from '../harness/raw-socket.js';
import {
  create,
  download,
  extensionsOf,
  head,
  locationOf,
  offsetOf,
  OFFSET_STREAM,
  patch,
} from '../harness/tus-requests.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess({ maxSize: 1_000_000 });
});

const WITH_UPLOAD = { 'Content-Type': OFFSET_STREAM };
const POST_FIELDS = { 'Tus-Resumable': '1.0.0', ...WITH_UPLOAD };
const sha1 = (text: string) => `sha1 ${createHash('sha1').update(text).digest('base64')}`;

describe('creation-with-upload', () => {
  it('CU1: is announced beside creation', async () => {
    expect(await extensionsOf(server.url)).toEqual(
      expect.arrayContaining(['creation', 'creation-with-upload']),
    );
  });

  it.each([
    ['all of it', 'helloworld', '10'],
    ['a part of it', 'hello', '5'],
    ['nothing of it', '', '0'],
  ])('CU2: with %s answers 201 with Location and the offset', async (_, body, offset) => {
    const reply = await create(server.url, { ...WITH_UPLOAD, 'Upload-Length': '10' }, body);
    expect([reply.status, reply.headers['upload-offset']]).toEqual([201, offset]);
    const url = locationOf(server.url, reply);
    expect((await head(url)).headers['upload-offset']).toBe(offset);
    await patch(url, Number(offset), 'helloworld'.slice(Number(offset)));
    expect((await download(url)).text).toBe('helloworld');
  });

  it('CU2: completes an upload that comes whole, once', async () => {
    const reply = await create(server.url, { ...WITH_UPLOAD, 'Upload-Length': '5' }, 'hello');
    const id = locationOf(server.url, reply).split('/').at(-1);
    const names = server.events.filter(({ event }) => event.upload.id === id).map(({ name }) => name);
    expect(names.filter((name) => name !== 'progress')).toEqual(['created', 'completed']);
  });

  it('CU2: completes an empty upload with the content type once', async () => {
    const reply = await create(server.url, { ...WITH_UPLOAD, 'Upload-Length': '0' });
    const id = locationOf(server.url, reply).split('/').at(-1);
    expect(
      server.events.filter(({ name, event }) => name === 'completed' && event.upload.id === id),
    ).toHaveLength(1);
  });

  it('CU2: takes a chunked body, and a length that is not known yet', async () => {
    const fields = { ...POST_FIELDS, 'Upload-Defer-Length': '1', 'Transfer-Encoding': 'chunked' };
    const { response } = await rawExchange(
      server.port,
      'POST',
      '/files/',
      fields,
      chunked(['hello', ' world']),
    );
    expect([response.status, response.header('upload-offset')]).toEqual([201, '11']);
    const url = new URL(response.header('location') ?? '', server.url).href;
    expect((await head(url)).headers).toMatchObject({ 'upload-offset': '11', 'upload-defer-length': '1' });
  });

  it('CU3: a body of another type is not the upload’s, and the connection goes on', async () => {
    const socket = await RawSocket.connect(server.port);
    const fields = {
      'Tus-Resumable': '1.0.0',
      'Content-Type': 'text/plain',
      'Upload-Length': '10',
      'Content-Length': '5',
    };
    await socket.sendHead('POST', '/files/', fields);
    await socket.send('hello');
    const response = await socket.response();
    expect(response.status).toBe(201);
    const url = new URL(response.header('location') ?? '', server.url);
    if (response.header('connection') !== 'close') {
      await socket.sendHead('HEAD', url.pathname, { 'Tus-Resumable': '1.0.0' });
      expect((await socket.response('HEAD')).header('upload-offset')).toBe('0');
    }
    expect(await offsetOf(url.href)).toBe(0);
  });

  it('CU4: keeps what arrived when the client vanishes', async () => {
    const content = randomContent('cut creation', 500_000);
    const fields = {
      ...POST_FIELDS,
      'Upload-Length': String(content.length),
      'Content-Length': String(content.length),
    };
    const before = server.events.length;
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead('POST', '/files/', fields);
    await socket.send(content.subarray(0, 200_000));
    const created = await eventually('the creation', () =>
      server.events.slice(before).find(({ name }) => name === 'created'),
    );
    const url = new URL(created.event.upload.id, server.url).href;
    await eventually('arrival of some bytes', () => server.progress(url) > 0);
    socket.reset();
    const offset = await offsetOf(url);
    expect(offset).toBeGreaterThan(0);
    expect(offset).toBeLessThanOrEqual(200_000);
    await patch(url, offset, content.subarray(offset));
    expect(sha256((await download(url)).body)).toBe(sha256(content));
  });

  it('CU5: sends 100 before the body of a creation that it accepts', async () => {
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead('POST', '/files/', {
      ...POST_FIELDS,
      'Upload-Length': '5',
      'Content-Length': '5',
      Expect: '100-continue',
    });
    expect((await socket.message()).status).toBe(100);
    await socket.send('hello');
    const response = await socket.response();
    expect([response.status, response.header('upload-offset')]).toEqual([201, '5']);
  });

  it.each([
    ['412', 412, { 'Tus-Resumable': '0.2.2', 'Upload-Length': '5' }],
    ['400', 400, { 'Upload-Length': 'five' }],
    ['413', 413, { 'Upload-Length': '1000001' }],
  ])('CU5: answers %s instead of 100', async (_, status, headers) => {
    const fields = { ...POST_FIELDS, ...headers, 'Content-Length': '5', Expect: '100-continue' };
    const { response } = await rawExchange(server.port, 'POST', '/files/', fields);
    expect(response.informational).toEqual([]);
    expect(response.status).toBe(status);
  });

  it('CU6: a body that is announced as longer than the upload is 413, and nothing is created', async () => {
    const before = (await server.uploads()).length;
    const reply = await create(server.url, { ...WITH_UPLOAD, 'Upload-Length': '4' }, 'hello');
    expect(reply.status).toBe(413);
    expect(await server.uploads()).toHaveLength(before);
  });

  it('CU6: a chunked body that turns out longer than the upload is 413', async () => {
    const fields = { ...POST_FIELDS, 'Upload-Length': '4', 'Transfer-Encoding': 'chunked' };
    const { response } = await rawExchange(
      server.port,
      'POST',
      '/files/',
      fields,
      chunked(['hello', 'hello']),
    );
    expect(response.status).toBe(413);
    expect((await server.uploads()).filter(({ offset, size }) => offset > size && size === 4)).toEqual([]);
  });

  it('CU6: verifies a checksum', async () => {
    const right = await create(
      server.url,
      { ...WITH_UPLOAD, 'Upload-Length': '5', 'Upload-Checksum': sha1('hello') },
      'hello',
    );
    expect([right.status, right.headers['upload-offset']]).toEqual([201, '5']);
    const before = server.events.filter(({ name }) => name === 'completed').length;
    const wrong = await create(
      server.url,
      { ...WITH_UPLOAD, 'Upload-Length': '7', 'Upload-Checksum': sha1('hello') },
      'goodbye',
    );
    expect(wrong.status).toBe(460);
    expect((await server.uploads()).filter(({ size, offset }) => size === 7 && offset > 0)).toEqual([]);
    expect(server.events.filter(({ name }) => name === 'completed')).toHaveLength(before);
  });
});
