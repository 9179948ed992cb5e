import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { rawExchange } from '../harness/raw-socket.js';
import {
  create,
  createUpload,
  download,
  extensionsOf,
  head,
  locationOf,
  OFFSET_STREAM,
  patch,
  storeUpload,
  terminate,
} from '../harness/tus-requests.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess({ maxSize: 100 });
});

const PARTIAL = { 'Upload-Concat': 'partial' };
const partial = (content: string) => storeUpload(server.url, content, PARTIAL);
const pathOf = (url: string) => new URL(url).pathname;
const finalOf = (...urls: string[]) => ({ 'Upload-Concat': `final;${urls.join(' ')}` });

async function join(...urls: string[]): Promise<string> {
  return locationOf(server.url, await create(server.url, finalOf(...urls)));
}

describe('concatenation', () => {
  it('CO1: is announced', async () => {
    expect(await extensionsOf(server.url)).toContain('concatenation');
  });

  it('CO2: a partial upload is one that says so', async () => {
    const url = await createUpload(server.url, 5, PARTIAL);
    const { headers } = await head(url);
    expect(headers).toMatchObject({ 'upload-concat': 'partial', 'upload-offset': '0', 'upload-length': '5' });
    const deferred = await createUpload(server.url, 'deferred', PARTIAL);
    expect((await head(deferred)).headers).toMatchObject({
      'upload-concat': 'partial',
      'upload-defer-length': '1',
    });
  });

  it('CO3: no hook and no event says that a partial upload is complete', async () => {
    const finished: string[] = [];
    const hooked = await startInProcess({
      preFinishResponseCallback: ({ upload }) => void finished.push(upload.id),
    });
    const urls = [await storeUpload(hooked.url, 'a', PARTIAL), await storeUpload(hooked.url, 'b', PARTIAL)];
    expect(finished).toEqual([]);
    const reply = await create(hooked.url, finalOf(...urls));
    const id = locationOf(hooked.url, reply).split('/').at(-1);
    expect(finished).toEqual([id]);
    const completed = hooked.events
      .filter(({ name }) => name === 'completed')
      .map(({ event }) => event.upload.id);
    expect(completed).toEqual([id]);
  });

  it('CO4: a final is its partials in their order', async () => {
    const [hello, world] = [await partial('hello'), await partial(' world')];
    expect((await download(await join(hello, world))).text).toBe('hello world');
    expect((await download(await join(world, hello))).text).toBe(' worldhello');
  });

  it('CO4: a partial may be named more than once', async () => {
    const [ha, end] = [await partial('ha'), await partial('!')];
    expect((await download(await join(ha, ha, end, ha))).text).toBe('haha!ha');
  });

  it('CO4: an empty partial adds nothing', async () => {
    const [some, none] = [await partial('some'), await createUpload(server.url, 0, PARTIAL)];
    expect((await download(await join(none, some))).text).toBe('some');
  });

  it('CO5: an Upload-Length that is the sum is ignored, another is 400', async () => {
    const [hello, world] = [await partial('hello'), await partial('world')];
    const right = await create(server.url, { ...finalOf(hello, world), 'Upload-Length': '10' });
    expect(right.status).toBe(201);
    const wrong = await create(server.url, { ...finalOf(hello, world), 'Upload-Length': '11' });
    expect(wrong.status).toBe(400);
  });

  it('CO6: a final has the metadata of its own request', async () => {
    const part = await storeUpload(server.url, 'part', { ...PARTIAL, 'Upload-Metadata': 'part eWVz' });
    const url = locationOf(
      server.url,
      await create(server.url, { ...finalOf(part), 'Upload-Metadata': 'final eWVz' }),
    );
    expect((await head(url)).headers['upload-metadata']).toBe('final eWVz');
    expect((await head(await join(part))).headers).not.toHaveProperty('upload-metadata');
  });

  it('CO7: partials stay, and can be used again', async () => {
    const part = await partial('part');
    const first = await join(part);
    await terminate(first);
    expect((await download(await join(part, part))).text).toBe('partpart');
  });

  it('CO7: a final outlives its partials', async () => {
    const part = await partial('part');
    const url = await join(part);
    await terminate(part);
    expect((await download(url)).text).toBe('part');
  });

  it.each([
    ['at its end', 4, ''],
    ['with bytes', 4, 'more'],
    ['at its start', 0, 'XXXX'],
  ])('CO8: a PATCH of a final %s is 403, and changes nothing', async (_, offset, body) => {
    const part = await partial('part');
    const url = await join(part);
    const reply = await patch(url, offset, body);
    expect(reply.status).toBe(403);
    expect(reply.text).toMatch(/^ERR_MODIFY_FINAL: /);
    expect((await download(url)).text).toBe('part');
    expect((await download(part)).text).toBe('part');
  });

  it('CO9: HEAD of a joined final has offset and length', async () => {
    const url = await join(await partial('hello'), await partial('world'));
    expect((await head(url)).headers).toMatchObject({ 'upload-offset': '10', 'upload-length': '10' });
  });

  it('CO10: HEAD returns Upload-Concat byte for byte', async () => {
    const [hello, world] = [await partial('hello'), await partial('world')];
    const value = `final;${pathOf(hello)} ${world}`;
    const url = locationOf(server.url, await create(server.url, { 'Upload-Concat': value }));
    expect((await head(url)).headers['upload-concat']).toBe(value);
    expect((await head(hello)).headers['upload-concat']).toBe('partial');
  });

  it('CO11: partials are named by URL or by path', async () => {
    const [hello, world] = [await partial('hello'), await partial('world')];
    expect((await download(await join(pathOf(hello), world))).text).toBe('helloworld');
  });

  it.each([
    ['another path', (id: string) => `/other/${id}`],
    ['a traversal', (id: string) => `/files/../files/${id}`],
    ['a path below', (id: string) => `/files/${id}/part`],
    ['an encoded traversal', () => '/files/%2e%2e%2fetc%2fpasswd'],
    ['a traversal alone', () => '/files/..'],
    ['the collection', () => '/files/'],
    ['a file', () => 'file:///etc/passwd'],
    ['another host', (id: string) => `http://192.0.2.1/other/${id}`],
  ])('CO11: %s is refused, and nothing is created', async (_, valueOf) => {
    const id = (await partial('part')).split('/').at(-1) ?? '';
    const before = (await server.uploads()).length;
    const reply = await create(server.url, finalOf(valueOf(id)));
    expect([400, 404]).toContain(reply.status);
    expect(await server.uploads()).toHaveLength(before);
  });

  it.each([
    '',
    ' ',
    '\t ',
    'final;',
    'final; ',
    'final',
    'Partial',
    'foo',
    'partial;',
    'final;;',
    'partial, partial',
  ])('CO13: Upload-Concat: %j is 400, and nothing is created', async (value) => {
    const before = (await server.uploads()).length;
    const fields = {
      'Tus-Resumable': '1.0.0',
      'Content-Length': '0',
      'Upload-Length': '5',
      'Upload-Concat': value,
    };
    const { response } = await rawExchange(server.port, 'POST', '/files/', fields);
    expect(response.status).toBe(400);
    expect(response.body.toString()).toMatch(/^ERR_INVALID_CONCAT: /);
    expect(await server.uploads()).toHaveLength(before);
  });

  it.each([
    [
      'an unknown upload',
      [400, 404],
      () => Promise.resolve(new URL('0123456789abcdef0123456789abcdef', server.url).href),
    ],
    ['an upload that is not partial', [400], () => storeUpload(server.url, 'whole')],
    ['a final upload', [400], async () => join(await partial('part'))],
  ])('CO13: %s among the partials is refused (%j), and nothing is created', async (_, statuses, urlOf) => {
    const [good, bad] = [await partial('good'), await urlOf()];
    const before = (await server.uploads()).length;
    expect(statuses).toContain((await create(server.url, finalOf(good, bad))).status);
    expect(await server.uploads()).toHaveLength(before);
  });

  it('CO13: a sum above the limit is 413, and nothing is created', async () => {
    const part = await partial('x'.repeat(60));
    const before = (await server.uploads()).length;
    expect((await create(server.url, finalOf(part, part))).status).toBe(413);
    expect(await server.uploads()).toHaveLength(before);
  });

  it('CO13: a final that comes with a body is 403, and nothing is created', async () => {
    const part = await partial('part');
    const before = (await server.uploads()).length;
    const reply = await create(server.url, { ...finalOf(part), 'Content-Type': OFFSET_STREAM }, 'body');
    expect(reply.status).toBe(403);
    expect(await server.uploads()).toHaveLength(before);
  });

  it('CO14: two hundred partials fit', async () => {
    const roomy = await startInProcess();
    const urls = await Promise.all(
      Array.from({ length: 25 }, (_, digit) => storeUpload(roomy.url, String(digit % 10), PARTIAL)),
    );
    const many = Array.from({ length: 8 }, () => urls).flat();
    const url = locationOf(roomy.url, await create(roomy.url, finalOf(...many)));
    expect((await download(url)).text).toBe('0123456789012345678901234'.repeat(8));
  });

  it('is refused where it is off', async () => {
    const without = await startInProcess({ disableConcatenation: true });
    const reply = await create(without.url, { ...PARTIAL, 'Upload-Length': '5' });
    expect(reply.status).toBe(400);
    expect(reply.text).toMatch(/^ERR_CONCATENATION_UNSUPPORTED: /);
  });
});
