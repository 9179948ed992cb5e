import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { eventually } from '../harness/eventually.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { chunked } from '../harness/raw-socket.js';
import { randomContent } from '../harness/random-content.js';
import { DraftClient, locationOf, problemOf, version, versions } from './draft-requests.js';

let server: InProcessServer;
let client: DraftClient;
beforeAll(async () => {
  server = await startInProcess({ enableExperimentalProtocol: true });
  client = new DraftClient(server, version(9));
});

async function metaDataOf(target: string): Promise<Record<string, string>> {
  const found = (await server.uploads()).find(({ id }) => target.endsWith(id));
  if (!found) throw new Error(`no upload ${target}`);
  return found.metaData;
}

describe('the content of an upload', () => {
  it.each(versions())(
    'U15: its type, name, language and coding are kept and served, %s',
    async (_, spoken) => {
      const speaker = new DraftClient(server, spoken);
      const content = gzipSync('bonjour');
      const response = await speaker.create(content, {
        complete: true,
        headers: {
          'Content-Type': 'text/plain; charset=utf-8',
          'Content-Encoding': 'gzip',
          'Content-Language': 'fr, en-GB',
          'Content-Disposition': `inline; filename="a.txt"; filename*=UTF-8''%E2%82%AC%20rates.txt`,
        },
      });
      const target = locationOf(response);
      expect(response.header('Upload-Offset')).toBe(String(content.length));
      expect(await metaDataOf(target)).toEqual({
        filetype: 'text/plain; charset=utf-8',
        filename: '€ rates.txt',
        contentEncoding: 'gzip',
        contentLanguage: 'fr, en-GB',
      });
      const served = await speaker.get(target);
      expect(served.body.equals(content)).toBe(true);
      expect(served.header('Content-Type')).toBe('text/plain; charset=utf-8');
      expect(served.header('Content-Encoding')).toBe('gzip');
      expect(served.header('Content-Language')).toBe('fr, en-GB');
      expect(served.header('Content-Disposition')).toContain("filename*=UTF-8''%E2%82%AC%20rates.txt");
    },
  );

  it.each([
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['attachment; filename="C:\\\\temp\\\\a.txt"', 'a.txt'],
    [`attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd`, 'passwd'],
    ['attachment; filename=".."', undefined],
    ['attachment; filename="a\\"b.txt"', 'a"b.txt'],
    ['attachment; filename=plain.txt', 'plain.txt'],
    [`inline; filename*=iso-8859-1''%A3.txt`, '£.txt'],
    [`inline; filename*=koi8-r''%A3.txt; filename=b.txt`, 'b.txt'],
    ['attachment', undefined],
    ['; filename=a', undefined],
  ])('U15: the name in %j is %j', async (disposition, name) => {
    const response = await client.create('hello', {
      complete: true,
      headers: { 'Content-Disposition': disposition },
    });
    expect((await metaDataOf(locationOf(response)))['filename']).toBe(name);
  });

  it('U15: what is malformed is left out', async () => {
    const response = await client.create('hello', {
      complete: true,
      headers: { 'Content-Type': 'nonsense', 'Content-Encoding': 'a b', 'Content-Language': ';' },
    });
    expect(await metaDataOf(locationOf(response))).toEqual({});
  });

  it('the type of a part is not that of the whole', async () => {
    const response = await new DraftClient(server, version(6)).create('hello', {
      complete: true,
      headers: { 'Content-Type': 'application/partial-upload' },
    });
    expect(await metaDataOf(locationOf(response))).toEqual({});
  });

  it("tus-js-client's Upload-Metadata counts", async () => {
    const response = await client.create('', {
      complete: false,
      headers: { 'Upload-Metadata': `filename ${Buffer.from('b.txt').toString('base64')}` },
    });
    expect(await metaDataOf(locationOf(response))).toEqual({ filename: 'b.txt' });
  });

  it('a script cannot be served in place', async () => {
    const response = await client.create('<script>', {
      complete: true,
      headers: { 'Content-Type': 'text/html' },
    });
    const served = await client.get(locationOf(response));
    expect(served.header('Content-Disposition')).toMatch(/^attachment/);
    expect(served.header('X-Content-Type-Options')).toBe('nosniff');
  });
});

const ALGORITHMS = ['sha-256', 'sha-512'] as const;
const [SHA_256, SHA_512] = ALGORITHMS;

function digest(algorithm: (typeof ALGORITHMS)[number], content: string | Uint8Array): string {
  return `${algorithm}=:${createHash(algorithm.replace('-', '')).update(content).digest('base64')}:`;
}

describe.each(ALGORITHMS)('Content-Digest, %s', (algorithm) => {
  it('that fits is taken, at creation and in an append', async () => {
    const response = await client.create('hello', {
      complete: false,
      headers: { 'Content-Digest': digest(algorithm, 'hello') },
    });
    const target = locationOf(response);
    const rest = await client.append(target, ' world', {
      complete: true,
      offset: 5,
      headers: { 'Content-Digest': digest(algorithm, ' world') },
    });
    expect(client.isComplete(rest)).toBe(true);
  });

  it('that does not fit is 400, and nothing is appended', async () => {
    const target = await client.reserve({ length: 10 });
    await client.append(target, 'hello', { complete: false, offset: 0 });
    const response = await client.append(target, 'world', {
      complete: true,
      offset: 5,
      headers: { 'Content-Digest': digest(algorithm, 'w0rld') },
    });
    expect(response.status).toBe(400);
    expect(client.isComplete(response)).toBe(false);
    expect(problemOf(response)).toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
    expect(await client.state(target)).toMatchObject({ offset: 5, complete: false });
    await client.append(target, 'world', { complete: true, offset: 5 });
    expect((await client.get(target)).body.toString()).toBe('helloworld');
  });

  it('may come as a trailer', async () => {
    const target = await client.reserve({ length: 10 });
    const send = (content: string, offset: number) =>
      client.append(target, chunked([content], { 'Content-Digest': digest(algorithm, 'hello') }), {
        complete: false,
        offset,
        headers: { 'Transfer-Encoding': 'chunked', Trailer: 'Content-Digest' },
      });
    expect((await send('hello', 0)).status).toBe(204);
    expect((await send('world', 5)).status).toBe(400);
    expect(await client.state(target)).toMatchObject({ offset: 5 });
  });
});

describe('Content-Digest', () => {
  it('of two known algorithms both must fit', async () => {
    const target = await client.reserve({ length: 5 });
    const fields = `${digest(SHA_256, 'hello')}, ${digest(SHA_512, 'other')}`;
    const response = await client.append(target, 'hello', {
      complete: true,
      offset: 0,
      headers: { 'Content-Digest': fields },
    });
    expect(response.status).toBe(400);
  });

  it.each(['md5=:AAAA:', 'sha-256=AAAA', 'sha-256', ',', 'sha-256=:!:'])('%j is ignored', async (field) => {
    const response = await client.create('hello', { complete: true, headers: { 'Content-Digest': field } });
    expect(client.isComplete(response)).toBe(true);
  });

  it('lets nothing count of a body that was cut', async () => {
    const target = await client.reserve({ length: 10 });
    const socket = await client.open('PATCH', target, {
      complete: true,
      offset: 0,
      headers: {
        'Content-Length': '10',
        'Content-Type': 'application/partial-upload',
        'Content-Digest': digest(SHA_256, 'helloworld'),
      },
    });
    await socket.send('hello');
    await eventually('five bytes', () => server.progress(target) === 5);
    socket.reset();
    expect(await client.state(target)).toMatchObject({ offset: 0, complete: false });
  });
});

describe.each(ALGORITHMS)('Repr-Digest, %s', (algorithm) => {
  const content = randomContent('representation', 100_000);

  it('is verified over all parts, and answered where it is wanted', async () => {
    const created = await client.create(content.subarray(0, 10), {
      complete: false,
      length: content.length,
      headers: { 'Repr-Digest': digest(algorithm, content), 'Want-Repr-Digest': `${algorithm}=10` },
    });
    const target = locationOf(created);
    await client.append(target, content.subarray(10, 70_000), { complete: false, offset: 10 });
    const last = await client.append(target, content.subarray(70_000), { complete: true, offset: 70_000 });
    expect(client.isComplete(last)).toBe(true);
    expect(last.header('Repr-Digest')).toBe(digest(algorithm, content));
    const again = await client.append(target, '', { complete: true, offset: content.length });
    expect(again.header('Repr-Digest')).toBe(digest(algorithm, content));
  });

  it('that does not fit ends the upload for good: 400 with ?1', async () => {
    const created = await client.create(content.subarray(0, 10), {
      complete: false,
      headers: { 'Repr-Digest': digest(algorithm, 'something else') },
    });
    const target = locationOf(created);
    const last = await client.append(target, content.subarray(10), { complete: true, offset: 10 });
    expect(last.status).toBe(400);
    expect(client.isComplete(last)).toBe(true);
    expect(problemOf(last)).toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
    expect((await client.get(target)).status).toBe(400);
  });

  it('may come with the request that completes', async () => {
    const started = { 'Want-Repr-Digest': algorithm === SHA_256 ? 'sha-512=1' : 'sha-256=1' };
    for (const [announced, status] of [
      [content, 201],
      ['something else', 400],
    ] as const) {
      const created = await client.create(content.subarray(0, 10), { complete: false, headers: started });
      const last = await client.append(locationOf(created), content.subarray(10), {
        complete: true,
        offset: 10,
        headers: { 'Repr-Digest': digest(algorithm, announced), 'Want-Repr-Digest': `${algorithm}=1` },
      });
      expect([last.status, client.isComplete(last)]).toEqual([status, true]);
      expect(last.all('Repr-Digest')).toEqual(status === 201 ? [digest(algorithm, content)] : []);
    }
  });

  it('is verified by a process that has not seen the beginning', async () => {
    const created = await client.create(content.subarray(0, 10), {
      complete: false,
      headers: { 'Repr-Digest': digest(algorithm, content), 'Want-Repr-Digest': `${algorithm}=1` },
    });
    const target = locationOf(created);
    const successor = await startInProcess({ enableExperimentalProtocol: true, store: server.store });
    const last = await new DraftClient(successor, version(9)).append(target, content.subarray(10), {
      complete: true,
      offset: 10,
    });
    expect(last.header('Repr-Digest')).toBe(digest(algorithm, content));
  });
});

describe('Want-Repr-Digest', () => {
  it.each([
    ['sha-512=3, sha-256=10', 'sha-256'],
    ['sha-512=10, sha-256=3', 'sha-512'],
    ['sha-256=0, sha-512=1', 'sha-512'],
  ])('%j is answered by %s', async (field, algorithm) => {
    const response = await client.create('hello', { complete: true, headers: { 'Want-Repr-Digest': field } });
    expect(response.header('Repr-Digest')).toMatch(new RegExp(`^${algorithm}=:`));
  });

  it.each(['sha-256=0', 'md5=10', 'sha-256=11', 'sha-256=a', ''])('%j is not answered', async (field) => {
    const response = await client.create('hello', { complete: true, headers: { 'Want-Repr-Digest': field } });
    expect(response.all('Repr-Digest')).toEqual([]);
  });
});
