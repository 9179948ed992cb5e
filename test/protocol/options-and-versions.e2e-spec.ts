import { MemoryLocker, MemoryStore, StoreComposer } from '@nestjs-tus/core';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { rawExchange } from '../harness/raw-socket.js';
import { startServer } from '../harness/server-process.js';
import {
  create,
  createUpload,
  download,
  extensionsOf,
  head,
  offsetOf,
  options,
  patch,
  send,
  storeUpload,
  terminate,
  type Reply,
} from '../harness/tus-requests.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess({ maxSize: 1_000 });
});

const unknownAt = (collection: string) => new URL('0123456789abcdef0123456789abcdef', collection).href;

describe('OPTIONS', () => {
  it.each([
    ['the collection', () => Promise.resolve(server.url)],
    ['an upload', () => createUpload(server.url, 10)],
    ['an upload that does not exist', () => Promise.resolve(unknownAt(server.url))],
  ])('O1: on %s answers 200 or 204 with what the server can do', async (_, urlOf) => {
    const reply = await options(await urlOf());
    expect([200, 204]).toContain(reply.status);
    expect(reply.headers['tus-version']).toBe('1.0.0');
    expect(reply.headers['tus-extension']).toMatch(/^[a-z-]+(,[a-z-]+)*$/);
    expect(reply.text).toBe('');
  });

  it('O2: names the checksum algorithms', async () => {
    expect((await options(server.url)).headers['tus-checksum-algorithm']).toMatch(/(^|,)sha1(,|$)/);
  });

  it('C3: names its versions, the preferred one first', async () => {
    expect((await options(server.url)).headers['tus-version']?.toString().split(',')[0]).toBe('1.0.0');
  });

  it('C6: lists the extensions of everything that is composed', async () => {
    const extensions = await extensionsOf(server.url);
    expect(extensions).toEqual(
      expect.arrayContaining([
        'creation',
        'creation-with-upload',
        'creation-defer-length',
        'termination',
        'concatenation',
        'concatenation-unfinished',
        'checksum',
        'checksum-trailer',
      ]),
    );
    expect(new Set(extensions).size).toBe(extensions.length);
    expect(server.handler.supportedExtensions()).toBe(extensions.join(','));
  });

  it('C6: lists nothing that the store cannot do', async () => {
    const storeComposer = new StoreComposer().useCore(new MemoryStore()).useLocker(new MemoryLocker());
    const bare = await startInProcess({ storeComposer });
    expect(await extensionsOf(bare.url)).toEqual(['creation', 'creation-with-upload']);
    expect((await options(bare.url)).headers).not.toHaveProperty('tus-checksum-algorithm');
  });

  it.each([
    ['termination', { disableTermination: true }],
    ['concatenation', { disableConcatenation: true }],
  ])('C6: does not list %s when it is off', async (extension, config) => {
    const reduced = await startInProcess(config);
    const extensions = await extensionsOf(reduced.url);
    expect(extensions.filter((name) => name.startsWith(extension))).toEqual([]);
    expect(extensions).toContain('creation');
  });

  it('C7: names the largest size when there is one', async () => {
    expect((await options(server.url)).headers['tus-max-size']).toBe('1000');
    const unlimited = await startInProcess();
    expect((await options(unlimited.url)).headers).not.toHaveProperty('tus-max-size');
  });

  it.each(['9.9.9', 'nonsense', ''])('C9: ignores the client’s Tus-Resumable (%j)', async (version) => {
    expect([200, 204]).toContain((await options(server.url, { 'Tus-Resumable': version })).status);
  });
});

/** With a framework around the engine there are more ways to answer without it. */
const PLACES = [
  ['the engine', () => startInProcess({ maxSize: 1_000 })],
  ['the server', () => startServer({ flags: ['--max-size', '1000'] })],
] as const;

describe.each(PLACES)('Tus-Resumable: %s', (_where, start) => {
  let place: { readonly url: string };
  beforeAll(async () => {
    place = await start();
  });

  const occasions: [string, number[], () => Promise<Reply>][] = [
    ['a creation', [201], () => create(place.url, { 'Upload-Length': '1' })],
    ['a wrong creation', [400], () => create(place.url)],
    ['too large a creation', [413], () => create(place.url, { 'Upload-Length': '1001' })],
    ['a HEAD', [200], async () => head(await createUpload(place.url, 1))],
    ['a HEAD of nothing', [404], () => head(unknownAt(place.url))],
    ['a PATCH', [204], async () => patch(await createUpload(place.url, 5), 0, 'hello')],
    ['a PATCH at a wrong offset', [409], async () => patch(await createUpload(place.url, 5), 3, 'lo')],
    ['a PATCH of nothing', [404], () => patch(unknownAt(place.url), 0, 'hello')],
    ['a download', [200], async () => download(await storeUpload(place.url, 'hello'))],
    ['a download too early', [400], async () => download(await createUpload(place.url, 5))],
    ['a termination', [204], async () => terminate(await createUpload(place.url, 5))],
    ['a termination of nothing', [404], () => terminate(unknownAt(place.url))],
    ['a wrong version', [412], () => create(place.url, { 'Tus-Resumable': '0.2.2', 'Upload-Length': '1' })],
    ['a method that the collection lacks', [405], () => send('PUT', place.url, { 'Tus-Resumable': '1.0.0' })],
    [
      'a method that an upload lacks',
      [405],
      () => send('PUT', unknownAt(place.url), { 'Tus-Resumable': '1.0.0' }),
    ],
  ];

  it.each(occasions)('C4: is in the answer to %s (%j)', async (_, statuses, ask) => {
    const reply = await ask();
    expect(statuses).toContain(reply.status);
    expect(reply.headers['tus-resumable']).toBe('1.0.0');
  });
});

describe('Tus-Resumable', () => {
  const versions = [
    ['missing', undefined],
    ['old', '0.2.2'],
    ['new', '1.0.1'],
    ['empty', ''],
    ['a list', '1.0.0, 0.2.2'],
    ['a word', 'one'],
  ] as const;

  it.each(versions)('C5: %s: POST is 412 with Tus-Version, and nothing is created', async (_, version) => {
    const before = (await server.uploads()).length;
    const reply = await create(server.url, { 'Tus-Resumable': version, 'Upload-Length': '5' });
    expect(reply.status).toBe(412);
    expect(reply.headers['tus-version']).toBe('1.0.0');
    expect(reply.text).toMatch(/^ERR_UNSUPPORTED_VERSION: /);
    expect(await server.uploads()).toHaveLength(before);
  });

  it.each(versions)('C5: %s: PATCH is 412 with Tus-Version, and the offset stays', async (_, version) => {
    const url = await createUpload(server.url, 5);
    const reply = await patch(url, 0, 'hello', { 'Tus-Resumable': version });
    expect(reply.status).toBe(412);
    expect(reply.headers['tus-version']).toBe('1.0.0');
    expect(await offsetOf(url)).toBe(0);
  });

  it.each(versions)('C5: %s: DELETE is 412 with Tus-Version, and the upload stays', async (_, version) => {
    const url = await createUpload(server.url, 5);
    const reply = await terminate(url, { 'Tus-Resumable': version });
    expect(reply.status).toBe(412);
    expect(reply.headers['tus-version']).toBe('1.0.0');
    expect(await offsetOf(url)).toBe(0);
  });

  it('C5: sent twice is 412', async () => {
    const fields = { 'Tus-Resumable': ['1.0.0', '1.0.0'], 'Upload-Length': '5', 'Content-Length': '0' };
    expect((await rawExchange(server.port, 'POST', '/files/', fields)).response.status).toBe(412);
  });

  it('is not needed to download', async () => {
    expect((await download(await storeUpload(server.url, 'hello'))).status).toBe(200);
  });
});
