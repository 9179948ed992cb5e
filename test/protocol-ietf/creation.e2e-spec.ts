import { eventually } from '../harness/eventually.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { chunked, rawExchange, RawSocket } from '../harness/raw-socket.js';
import { randomContent } from '../harness/random-content.js';
import {
  DraftClient,
  fieldsOf,
  limitsOf,
  locationOf,
  problemOf,
  version,
  versions,
} from './draft-requests.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess({ enableExperimentalProtocol: true, maxSize: 1_000_000 });
});

const numbered = versions(({ interop }) => interop !== undefined);

describe.each(versions())('creation, %s', (_, spoken) => {
  let client: DraftClient;
  beforeAll(() => {
    client = new DraftClient(server, spoken);
  });

  it('U4, U6: ?1 with the whole content is complete, and has Location', async () => {
    const content = randomContent('whole', 70_000);
    const response = await client.create(content, { complete: true });
    expect(response.status).toBe(201);
    expect(client.isComplete(response)).toBe(true);
    expect(response.header('Upload-Offset')).toBe('70000');
    const target = locationOf(response);
    expect(await client.state(target)).toEqual({ offset: 70_000, length: 70_000, complete: true });
    expect((await client.get(target)).body.equals(content)).toBe(true);
  });

  it('U5: ?0 with a part of the content is 201 with Location and Upload-Limit, and incomplete', async () => {
    const response = await client.create('hello', { complete: false, length: 11 });
    expect(response.status).toBe(201);
    expect(client.isComplete(response)).toBe(false);
    expect(limitsOf(response)).toMatchObject({ 'max-size': 1_000_000, 'min-size': 0 });
    expect(await client.state(locationOf(response))).toEqual({ offset: 5, length: 11, complete: false });
  });

  it('U5, U16: ?0 without content reserves an upload', async () => {
    const response = await client.create('', { complete: false });
    expect(response.status).toBe(201);
    expect(client.isComplete(response)).toBe(false);
    expect(await client.state(locationOf(response))).toEqual({
      offset: 0,
      length: undefined,
      complete: false,
    });
  });

  it('U16: ?1 without content is an empty upload, complete', async () => {
    const response = await client.create('', { complete: true });
    expect(client.isComplete(response)).toBe(true);
    expect(await client.state(locationOf(response))).toEqual({ offset: 0, length: 0, complete: true });
  });

  it('U6: ?1 with chunked content is complete when its last chunk has come', async () => {
    const response = await client.create(chunked(['hello', ' world']), {
      complete: true,
      headers: { 'Transfer-Encoding': 'chunked' },
    });
    expect(client.isComplete(response)).toBe(true);
    expect(await client.state(locationOf(response))).toEqual({ offset: 11, length: 11, complete: true });
  });

  it('U11: ?1 with content of another length than Upload-Length is 400, and makes nothing', async () => {
    const before = (await server.uploads()).length;
    for (const length of [4, 6]) {
      const response = await client.create('hello', { complete: true, length });
      expect(response.status).toBe(400);
      expect(client.isComplete(response)).toBe(false);
      expect(problemOf(response)['status']).toBe(400);
    }
    expect(await server.uploads()).toHaveLength(before);
  });

  it('U12: more than max-size is 413 with Upload-Limit, before lengths that do not agree', async () => {
    const response = await client.create('hello', { complete: true, length: 1_000_001 });
    expect(response.status).toBe(413);
    expect(client.isComplete(response)).toBe(false);
    expect(limitsOf(response)).toMatchObject({ 'max-size': 1_000_000 });
  });

  it('U17: an offset other than 0 is 400', async () => {
    const response = await client.create('hello', { complete: true, offset: 1 });
    expect(response.status).toBe(400);
  });

  it('U9: keeps what came of a body that was cut, and is not complete', async () => {
    const known = new Set((await server.uploads()).map(({ id }) => id));
    const socket = await client.open('POST', '/files/', {
      complete: true,
      headers: { 'Content-Length': '10' },
    });
    await socket.send('hello');
    const made = await eventually('five bytes', async () =>
      (await server.uploads()).find(({ id, offset }) => !known.has(id) && offset === 5),
    );
    socket.reset();
    const target = `/files/${made.id}`;
    expect(await client.state(target)).toEqual({ offset: 5, length: 10, complete: false });
  });

  it('U9: a chunked body without its last chunk is not complete', async () => {
    const target = await client.reserve();
    const socket = await client.open('PATCH', target, {
      complete: true,
      offset: 0,
      headers: { 'Transfer-Encoding': 'chunked', 'Content-Type': spoken.appendType },
    });
    await socket.send('5\r\nhello\r\n');
    await eventually('five bytes', () => server.progress(target) === 5);
    socket.socket.end();
    await socket.closed();
    expect(await client.state(target)).toEqual({ offset: 5, length: undefined, complete: false });
  });

  it('ST4: every upload has a URL of its own', async () => {
    const targets = await Promise.all(Array.from({ length: 5 }, () => client.reserve()));
    expect(new Set(targets).size).toBe(5);
  });
});

describe.each(numbered)('104 at creation, %s', (_, spoken) => {
  it('U2, U3, D2: comes before the body, with Location, Upload-Limit and the same number; U8: Location stays', async () => {
    const client = new DraftClient(server, spoken);
    const socket = await client.open('POST', '/files/', {
      complete: true,
      headers: { 'Content-Length': '5' },
    });
    const interim = await socket.message('POST');
    expect([interim.status, interim.reason]).toEqual([104, 'Upload Resumption Supported']);
    expect(interim.header('Upload-Draft-Interop-Version')).toBe(String(spoken.interop));
    expect(limitsOf(interim)).toMatchObject({ 'max-size': 1_000_000 });
    const target = locationOf(interim);
    await socket.send('hello');
    const response = await socket.response('POST');
    expect(response.status).toBe(201);
    expect(locationOf(response)).toBe(target);
    expect(response.header('Upload-Draft-Interop-Version')).toBe(String(spoken.interop));
  });

  it('U14: does not replace 100 (Continue)', async () => {
    const client = new DraftClient(server, spoken);
    const socket = await client.open('POST', '/files/', {
      complete: true,
      headers: { 'Content-Length': '5', Expect: '100-continue' },
    });
    const statuses = [(await socket.message('POST')).status, (await socket.message('POST')).status];
    expect(statuses.sort()).toEqual([100, 104]);
    await socket.send('hello');
    expect((await socket.response('POST')).status).toBe(201);
  });

  it('R7, K3: HEAD ends the creation that is under way, and tells an offset that holds', async () => {
    const client = new DraftClient(server, spoken);
    const socket = await client.open('POST', '/files/', {
      complete: true,
      headers: { 'Content-Length': '10' },
    });
    const target = locationOf(await socket.message('POST'));
    await socket.send('hello');
    const { offset, complete } = await client.state(target);
    expect(complete).toBe(false);
    const ended = await socket.response('POST');
    expect(ended.status).toBe(400);
    expect(await socket.closed()).toBe('ended');
    const response = await client.append(target, 'hello worl'.slice(offset), { complete: true, offset });
    expect(response.status).toBe(201);
    expect((await client.get(target)).body.toString()).toBe('hello worl');
  });
});

describe('104', () => {
  it.each([undefined, '2', '99', 'abc', '"9"', '9.0', ''])(
    'D1: is not sent for the number %j',
    async (number) => {
      const { response } = await rawExchange(
        server.port,
        'POST',
        '/files/',
        fieldsOf(version(undefined), {
          complete: true,
          headers: { 'Content-Length': '5', 'Upload-Draft-Interop-Version': number },
        }),
        'hello',
      );
      expect(response.status).toBe(201);
      expect(response.informational).toEqual([]);
      expect(response.header('Upload-Complete')).toBe('?1');
      expect(response.all('Upload-Draft-Interop-Version')).toEqual([]);
    },
  );

  it('U2: is not sent to HTTP/1.0', async () => {
    const socket = await RawSocket.connect(server.port);
    await socket.send(
      'POST /files/ HTTP/1.0\r\nHost: x\r\nUpload-Draft-Interop-Version: 9\r\nUpload-Complete: ?1\r\nContent-Length: 5\r\n\r\nhello',
    );
    const response = await socket.response('POST');
    expect(response.status).toBe(201);
    expect(response.informational).toEqual([]);
  });

  it('is not sent when the request is refused', async () => {
    const client = new DraftClient(server, version(9));
    const response = await client.create('hello', { complete: true, length: 6 });
    expect(response.informational).toEqual([]);
  });
});

describe('the completeness field', () => {
  it.each(['true', '1', '?2', '"?1"', ''])(
    'F2, U1: %j is ignored: the request is a plain upload, stored whole and without 104',
    async (value) => {
      const client = new DraftClient(server, version(9));
      const response = await client.create('hello', { headers: { 'Upload-Complete': value } });
      expect(response.status).toBe(201);
      expect(response.informational).toEqual([]);
      expect((await client.state(locationOf(response))).complete).toBe(true);
    },
  );

  it('U1: a plain upload gets no progress, either', async () => {
    const client = new DraftClient(server, version(9));
    const socket = await client.open('POST', '/files/', { headers: { 'Content-Length': '10' } });
    const known = server.events.length;
    await socket.send('hello');
    await eventually('five bytes', () =>
      server.events.slice(known).some(({ name, event }) => name === 'progress' && event.upload.offset === 5),
    );
    await socket.send('world');
    expect((await socket.response('POST')).informational).toEqual([]);
  });

  it('U1: a plain upload that breaks leaves nothing', async () => {
    const before = (await server.uploads()).length;
    const client = new DraftClient(server, version(9));
    const socket = await client.open('POST', '/files/', { headers: { 'Content-Length': '10' } });
    await socket.send('hello');
    await eventually('the upload', async () => (await server.uploads()).length === before + 1);
    socket.socket.end();
    expect(await socket.closed()).toBe('ended');
    await eventually('its end', async () => (await server.uploads()).length === before);
  });

  it('may be missing in interop 3: the upload is complete, and 104 is sent', async () => {
    const client = new DraftClient(server, version(3));
    const response = await client.create('hello', {});
    expect(response.informational.map(({ status }) => status)).toEqual([104]);
    expect(client.isComplete(response)).toBe(true);
  });
});

describe('PUT', () => {
  it.each(numbered)('creates an upload as POST does, %s', async (_, spoken) => {
    const { response } = await rawExchange(
      server.port,
      'PUT',
      '/files/',
      fieldsOf(spoken, { complete: true, headers: { 'Content-Length': '5' } }),
      'hello',
    );
    expect(response.status).toBe(201);
    expect(await new DraftClient(server, spoken).state(locationOf(response))).toMatchObject({
      complete: true,
    });
  });

  it('is 405 in tus', async () => {
    const { response } = await rawExchange(server.port, 'PUT', '/files/', { 'Tus-Resumable': '1.0.0' });
    expect(response.status).toBe(405);
    expect(response.header('Allow')).toBe('OPTIONS, POST');
  });
});
