import { createHash } from 'node:crypto';
import { MemoryLocker, MemoryStore, StoreComposer } from '@nestjs-tus/core';
import { eventually } from '../harness/eventually.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { chunked, rawExchange, RawSocket } from '../harness/raw-socket.js';
import {
  createUpload,
  download,
  extensionsOf,
  offsetOf,
  OFFSET_STREAM,
  options,
  patch,
} from '../harness/tus-requests.js';
import { base64 } from '../harness/wire-values.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess();
});

const checksum = (algorithm: string, content: string | Uint8Array) =>
  `${algorithm} ${createHash(algorithm).update(content).digest('base64')}`;

const PATCH_FIELDS = { 'Tus-Resumable': '1.0.0', 'Content-Type': OFFSET_STREAM, 'Upload-Offset': '0' };

describe('checksum', () => {
  it('CS1: is announced with sha1, names in lower case', async () => {
    expect(await extensionsOf(server.url)).toContain('checksum');
    const algorithms = String((await options(server.url)).headers['tus-checksum-algorithm']).split(',');
    expect(algorithms).toEqual(expect.arrayContaining(['sha1', 'sha256', 'sha512', 'md5', 'crc32']));
    expect(algorithms.filter((name) => !/^[a-z0-9]+$/.test(name))).toEqual([]);
  });

  it.each(['sha1', 'sha256', 'sha512', 'md5'])('CS2: a right %s is 204', async (algorithm) => {
    const content = randomContent(algorithm, 200_000);
    const url = await createUpload(server.url, content.length);
    const reply = await patch(url, 0, content, { 'Upload-Checksum': checksum(algorithm, content) });
    expect([reply.status, reply.headers['upload-offset']]).toEqual([204, '200000']);
    expect(sha256((await download(url)).body)).toBe(sha256(content));
  });

  it.each(['sha1', 'sha256', 'sha512', 'md5', 'crc32'])(
    'CS3: a wrong %s is 460, and the offset stays; then the right bytes go in clean',
    async (algorithm) => {
      const url = await createUpload(server.url, 10);
      await patch(url, 0, 'hello');
      const digest = algorithm === 'crc32' ? `crc32 ${base64('\0\0\0\0')}` : checksum(algorithm, 'world');
      const wrong = await patch(url, 5, 'WORLD', { 'Upload-Checksum': digest });
      expect(wrong.status).toBe(460);
      expect(wrong.text).toMatch(/^ERR_CHECKSUM_MISMATCH: /);
      expect(await offsetOf(url)).toBe(5);
      expect((await patch(url, 5, 'world')).status).toBe(204);
      expect((await download(url)).text).toBe('helloworld');
    },
  );

  it('CS3: a wrong checksum of a long chunk leaves nothing of it', async () => {
    const content = randomContent('long', 3_000_000);
    const url = await createUpload(server.url, content.length);
    const other = randomContent('other', 3_000_000);
    const wrong = await patch(url, 0, other, { 'Upload-Checksum': checksum('sha1', content) });
    expect(wrong.status).toBe(460);
    expect(await offsetOf(url)).toBe(0);
    expect((await patch(url, 0, content, { 'Upload-Checksum': checksum('sha1', content) })).status).toBe(204);
    expect(sha256((await download(url)).body)).toBe(sha256(content));
  });

  it.each(['sha3 YWJj', 'sha384 YWJj', 'rot13 YWJj', 'none YWJj', 'constructor YWJj'])(
    'CS3: the algorithm of %j is unknown: 400, and the offset stays',
    async (value) => {
      const url = await createUpload(server.url, 5);
      const reply = await patch(url, 0, 'hello', { 'Upload-Checksum': value });
      expect(reply.status).toBe(400);
      expect(reply.text).toMatch(/^ERR_UNSUPPORTED_CHECKSUM_ALGORITHM: /);
      expect(await offsetOf(url)).toBe(0);
    },
  );

  it('CS4: the algorithms are named only where there is a store that can take a chunk back', async () => {
    const storeComposer = new StoreComposer().useCore(new MemoryStore()).useLocker(new MemoryLocker());
    const bare = await startInProcess({ storeComposer });
    expect((await options(bare.url)).headers).not.toHaveProperty('tus-checksum-algorithm');
    expect(await extensionsOf(bare.url)).not.toContain('checksum');
  });

  it.each([
    ['no digest', 'sha1'],
    ['an empty value', ''],
    ['only an algorithm and a space', 'sha1 '],
    ['no base64', 'sha1 !!!!'],
    ['two spaces', `sha1  ${createHash('sha1').update('hello').digest('base64')}`],
    ['hexadecimal', `sha1 ${createHash('sha1').update('hello').digest('hex')}`],
    ['a digest of another length', checksum('md5', 'hello').replace('md5', 'sha1')],
    ['something behind it', `${checksum('sha1', 'hello')} more`],
  ])('CS5: %s (%j) is 400, and the offset stays', async (_, value) => {
    const url = await createUpload(server.url, 5);
    const fields = { ...PATCH_FIELDS, 'Content-Length': '5', 'Upload-Checksum': value };
    const { response } = await rawExchange(server.port, 'PATCH', new URL(url).pathname, fields, 'hello');
    expect(response.status).toBe(400);
    expect(await offsetOf(url)).toBe(0);
  });

  it('CS5: sent twice is 400, and the offset stays', async () => {
    const url = await createUpload(server.url, 5);
    const twice = [checksum('sha1', 'hello'), checksum('sha1', 'world')];
    const fields = { ...PATCH_FIELDS, 'Content-Length': '5', 'Upload-Checksum': twice };
    const { response } = await rawExchange(server.port, 'PATCH', new URL(url).pathname, fields, 'hello');
    expect(response.status).toBe(400);
    expect(await offsetOf(url)).toBe(0);
  });

  it.each(['reset', 'destroy'] as const)(
    'CS8: unverified bytes of a client that vanishes (%s) do not count',
    async (how) => {
      const content = randomContent('unverified', 400_000);
      const url = await createUpload(server.url, content.length);
      const socket = await RawSocket.connect(server.port);
      const fields = {
        ...PATCH_FIELDS,
        'Content-Length': String(content.length),
        'Upload-Checksum': checksum('sha1', content),
      };
      await socket.sendHead('PATCH', new URL(url).pathname, fields);
      await socket.send(content.subarray(0, 300_000));
      await eventually('arrival of some bytes', () => server.progress(url) > 0);
      socket[how]();
      expect(await offsetOf(url)).toBe(0);
      expect((await patch(url, 0, content)).status).toBe(204);
      expect(sha256((await download(url)).body)).toBe(sha256(content));
    },
  );

  it('CS8: a HEAD in the middle reports a verified offset', async () => {
    const url = await createUpload(server.url, 10);
    await patch(url, 0, 'hel', { 'Upload-Checksum': checksum('sha1', 'hel') });
    const socket = await RawSocket.connect(server.port);
    const fields = {
      ...PATCH_FIELDS,
      'Upload-Offset': '3',
      'Content-Length': '7',
      'Upload-Checksum': checksum('md5', 'loworld'),
    };
    await socket.sendHead('PATCH', new URL(url).pathname, fields);
    await socket.send('lowo');
    await eventually('arrival of some bytes', () => server.progress(url) > 3);
    expect(await offsetOf(url)).toBe(3);
  });

  it('a body longer than the upload is 413, and nothing of it counts', async () => {
    const url = await createUpload(server.url, 5);
    const body = 'hello and more';
    const fields = {
      ...PATCH_FIELDS,
      'Transfer-Encoding': 'chunked',
      'Upload-Checksum': checksum('sha1', body),
    };
    const { response } = await rawExchange(
      server.port,
      'PATCH',
      new URL(url).pathname,
      fields,
      chunked([body]),
    );
    expect(response.status).toBe(413);
    expect(await offsetOf(url)).toBe(0);
  });

  // "123456789" and its CRC-32 cbf43926 are the check value of the algorithm's catalogue entry.
  it.each([
    ['crc32, big-endian', 'crc32 y/Q5Jg==', '123456789'],
    ['sha1', 'sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=', 'hello world'],
    ['md5 of nothing', 'md5 1B2M2Y8AsgTpgAmY7PhCfg==', ''],
  ])('CS9: a known vector of %s', async (_, value, content) => {
    const url = await createUpload(server.url, 11);
    const reply = await patch(url, 0, content, { 'Upload-Checksum': value });
    expect([reply.status, reply.headers['upload-offset']]).toEqual([204, String(content.length)]);
  });

  it('CS9: is that of the bytes without their chunked coding', async () => {
    const url = await createUpload(server.url, 10);
    const fields = {
      ...PATCH_FIELDS,
      'Transfer-Encoding': 'chunked',
      'Upload-Checksum': checksum('sha256', 'helloworld'),
    };
    const body = chunked(['hel', 'loworld']);
    const { response } = await rawExchange(server.port, 'PATCH', new URL(url).pathname, fields, body);
    expect([response.status, response.header('upload-offset')]).toEqual([204, '10']);
  });
});
