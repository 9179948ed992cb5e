import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { eventually } from '../harness/eventually.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { chunked, rawExchange, RawSocket } from '../harness/raw-socket.js';
import {
  createUpload,
  download,
  offsetOf,
  OFFSET_STREAM,
  patch,
  send,
  storeUpload,
  terminate,
} from '../harness/tus-requests.js';
import { NOT_A_NUMBER_OF_BYTES } from '../harness/wire-values.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess();
});

const PATCH_FIELDS = { 'Tus-Resumable': '1.0.0', 'Content-Type': OFFSET_STREAM };

describe('PATCH: Upload-Offset', () => {
  it.each(NOT_A_NUMBER_OF_BYTES)('C1: %s (%j) is 400 and stores nothing', async (_, value) => {
    const url = await createUpload(server.url, 10);
    const fields = { ...PATCH_FIELDS, 'Upload-Offset': value, 'Content-Length': '5' };
    const { response } = await rawExchange(server.port, 'PATCH', new URL(url).pathname, fields, 'hello');
    expect(response.status).toBe(400);
    expect(response.body.toString()).toMatch(/^ERR_INVALID_OFFSET: /);
    expect(await offsetOf(url)).toBe(0);
  });

  it('C1: missing is 400 and stores nothing', async () => {
    const url = await createUpload(server.url, 10);
    const reply = await patch(url, 0, 'hello', { 'Upload-Offset': undefined });
    expect(reply.status).toBe(400);
    expect(reply.text).toMatch(/^ERR_INVALID_OFFSET: /);
    expect(await offsetOf(url)).toBe(0);
  });

  it.each([
    ['the same value', ['0', '0']],
    ['another value', ['0', '5']],
  ])('C1: sent twice, with %s, is 400 and stores nothing', async (_, values) => {
    const url = await createUpload(server.url, 10);
    const fields = { ...PATCH_FIELDS, 'Upload-Offset': values, 'Content-Length': '5' };
    const { response } = await rawExchange(server.port, 'PATCH', new URL(url).pathname, fields, 'hello');
    expect(response.status).toBe(400);
    expect(await offsetOf(url)).toBe(0);
  });
});

describe('PATCH', () => {
  it('P1: applies chunks at their offsets, byte for byte', async () => {
    const content = randomContent('chunks', 300_001);
    const url = await createUpload(server.url, content.length);
    for (const [start, end] of [
      [0, 1],
      [1, 65_536],
      [65_536, 65_537],
      [65_537, 300_001],
    ] as const) {
      const reply = await patch(url, start, content.subarray(start, end));
      expect([reply.status, reply.headers['upload-offset']]).toEqual([204, String(end)]);
    }
    expect(sha256((await download(url)).body)).toBe(sha256(content));
  });

  it.each([
    ['missing', undefined],
    ['another', 'text/plain'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['a prefix of it', 'application/offset'],
    ['that of the IETF draft', 'application/partial-upload'],
  ])('P2: a Content-Type that is %s is 400 and stores nothing', async (_, type) => {
    const url = await createUpload(server.url, 10);
    const reply = await patch(url, 0, 'hello', { 'Content-Type': type });
    expect(reply.status).toBe(400);
    expect(reply.text).toMatch(/^ERR_INVALID_CONTENT_TYPE: /);
    expect(await offsetOf(url)).toBe(0);
  });

  it.each(['Application/Offset+Octet-Stream', 'application/offset+octet-stream; charset=binary'])(
    'P2: the Content-Type %s is the right one',
    async (type) => {
      const url = await createUpload(server.url, 10);
      expect((await patch(url, 0, 'hello', { 'Content-Type': type })).status).toBe(204);
    },
  );

  it.each([
    ['lower', 0],
    ['higher', 6],
    ['beyond the length', 11],
    ['very high', 9_007_199_254_740_991],
  ])('P3: an offset that is %s (%d) is 409 with the real offset, and touches nothing', async (_, offset) => {
    const url = await createUpload(server.url, 10);
    await patch(url, 0, 'hello');
    const reply = await patch(url, offset, 'XXXXX');
    expect(reply.status).toBe(409);
    expect(reply.text).toMatch(/^ERR_MISMATCHED_OFFSET: /);
    expect(reply.headers['upload-offset']).toBe('5');
    await patch(url, 5, 'world');
    expect((await download(url)).text).toBe('helloworld');
  });

  it('P4: answers 204 without a body, and the new offset', async () => {
    const url = await createUpload(server.url, 10);
    for (const [offset, part, after] of [
      [0, 'hello', '5'],
      [5, '', '5'],
      [5, 'world', '10'],
    ] as const) {
      const { response } = await rawExchange(
        server.port,
        'PATCH',
        new URL(url).pathname,
        { ...PATCH_FIELDS, 'Upload-Offset': String(offset), 'Content-Length': String(part.length) },
        part,
      );
      expect([response.status, response.header('upload-offset')]).toEqual([204, after]);
      expect(response.header('content-length')).toBeUndefined();
      expect(response.header('transfer-encoding')).toBeUndefined();
    }
  });

  it('P5: an upload that does not exist is 404', async () => {
    const reply = await patch(new URL('0123456789abcdef0123456789abcdef', server.url).href, 0, 'hello');
    expect(reply.status).toBe(404);
    expect(reply.text).toMatch(/^ERR_UPLOAD_NOT_FOUND: /);
  });

  it('P5: an upload that was terminated is gone', async () => {
    const url = await createUpload(server.url, 10);
    await terminate(url);
    expect([404, 410]).toContain((await patch(url, 0, 'hello')).status);
  });

  it.each(['reset', 'destroy'] as const)(
    'P7: keeps what arrived when the client vanishes (%s), and goes on from there',
    async (how) => {
      const content = randomContent(`vanishing ${how}`, 500_000);
      const url = await createUpload(server.url, content.length);
      const socket = await RawSocket.connect(server.port);
      const fields = { ...PATCH_FIELDS, 'Upload-Offset': '0', 'Content-Length': String(content.length) };
      const before = server.handler.metrics.bytesReceived;
      await socket.sendHead('PATCH', new URL(url).pathname, fields);
      await socket.send(content.subarray(0, 200_000));
      await eventually('arrival of some bytes', () => server.progress(url) > 0);
      socket[how]();
      const offset = await offsetOf(url);
      expect(offset).toBeGreaterThan(0);
      expect(offset).toBeLessThanOrEqual(200_000);
      expect(server.handler.metrics.bytesReceived - before).toBe(offset);
      expect((await patch(url, offset, content.subarray(offset))).status).toBe(204);
      expect(sha256((await download(url)).body)).toBe(sha256(content));
    },
  );

  it('P8: a Content-Length beyond the length is 413 before anything is stored', async () => {
    const url = await createUpload(server.url, 10);
    const reply = await patch(url, 0, 'elevenbytes');
    expect(reply.status).toBe(413);
    expect(reply.text).toMatch(/^ERR_UPLOAD_SIZE_EXCEEDED: /);
    expect(await offsetOf(url)).toBe(0);
  });

  it('P8: a chunked body beyond the length is 413, and the offset never passes the length', async () => {
    const url = await createUpload(server.url, 10);
    const fields = { ...PATCH_FIELDS, 'Upload-Offset': '0', 'Transfer-Encoding': 'chunked' };
    const body = chunked(['hello', 'world', 'and more']);
    const { response } = await rawExchange(server.port, 'PATCH', new URL(url).pathname, fields, body);
    expect(response.status).toBe(413);
    const [info] = (await server.uploads()).filter(({ id }) => url.endsWith(id));
    expect(info?.offset).toBeLessThanOrEqual(10);
    const content = (await download(url)).text;
    expect(['helloworld', '']).toContain(info?.offset === 10 ? content : '');
  });

  describe('on a finished upload', () => {
    it('P9: an empty body at the final offset is 204 and runs nothing again', async () => {
      const url = await storeUpload(server.url, 'finished');
      const completed = () => server.events.filter(({ name }) => name === 'completed').length;
      const before = completed();
      const reply = await patch(url, 8, '');
      expect([reply.status, reply.headers['upload-offset']]).toEqual([204, '8']);
      expect(completed()).toBe(before);
    });

    it('P9: another offset is 409', async () => {
      const url = await storeUpload(server.url, 'finished');
      expect((await patch(url, 3, '')).status).toBe(409);
      expect((await patch(url, 3, 'XX')).status).toBe(409);
    });

    it.each(['Content-Length', 'chunked'])('P9: bytes at the final offset (%s) are 413', async (framing) => {
      const url = await storeUpload(server.url, 'finished');
      const fields = { ...PATCH_FIELDS, 'Upload-Offset': '8' };
      const { response } =
        framing === 'chunked'
          ? await rawExchange(
              server.port,
              'PATCH',
              new URL(url).pathname,
              { ...fields, 'Transfer-Encoding': 'chunked' },
              chunked(['more']),
            )
          : await rawExchange(
              server.port,
              'PATCH',
              new URL(url).pathname,
              { ...fields, 'Content-Length': '4' },
              'more',
            );
      expect(response.status).toBe(413);
      expect((await download(url)).text).toBe('finished');
    });
  });

  it('P10: takes a chunked body', async () => {
    const content = randomContent('chunked', 100_000);
    const url = await createUpload(server.url, content.length);
    const fields = { ...PATCH_FIELDS, 'Upload-Offset': '0', 'Transfer-Encoding': 'chunked' };
    const body = chunked([content.subarray(0, 1), content.subarray(1, 70_000), content.subarray(70_000)]);
    const { response } = await rawExchange(server.port, 'PATCH', new URL(url).pathname, fields, body);
    expect([response.status, response.header('upload-offset')]).toEqual([204, '100000']);
    expect(sha256((await download(url)).body)).toBe(sha256(content));
  });

  it('reports what arrived in a cut chunked body, and takes the rest', async () => {
    const url = await createUpload(server.url, 10);
    const socket = await RawSocket.connect(server.port);
    const fields = { ...PATCH_FIELDS, 'Upload-Offset': '0', 'Transfer-Encoding': 'chunked' };
    await socket.sendHead('PATCH', new URL(url).pathname, fields);
    await socket.send('5\r\nhello\r\n');
    await eventually('arrival of the first chunk', () => server.progress(url) === 5);
    socket.reset();
    expect(await offsetOf(url)).toBe(5);
    expect((await patch(url, 5, 'world')).status).toBe(204);
    expect((await download(url)).text).toBe('helloworld');
  });

  it('two at the same offset: one wins, and the bytes are those of one', async () => {
    const a = randomContent('a', 400_000);
    const b = randomContent('b', 400_000);
    const url = await createUpload(server.url, 400_000);
    const replies = await Promise.all([a, b].map((content) => patch(url, 0, content).catch(() => undefined)));
    const winners = replies.filter((reply) => reply?.status === 204);
    expect(winners.length).toBeLessThanOrEqual(1);
    const offset = await offsetOf(url);
    if (offset < a.length) await patch(url, offset, a.subarray(offset));
    const mixed = Buffer.concat([b.subarray(0, offset), a.subarray(offset)]);
    expect([sha256(a), sha256(mixed)]).toContain(sha256((await download(url)).body));
  });

  it('counts nothing of a request with a version that is not ours', async () => {
    const url = await createUpload(server.url, 10);
    const reply = await send(
      'PATCH',
      url,
      { ...PATCH_FIELDS, 'Tus-Resumable': '0.2.2', 'Upload-Offset': '0' },
      'hello',
    );
    expect(reply.status).toBe(412);
    expect(await offsetOf(url)).toBe(0);
  });
});
