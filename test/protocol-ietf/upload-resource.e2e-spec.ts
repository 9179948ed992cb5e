import { useStoppedClock } from '../harness/clock.js';
import { eventually } from '../harness/eventually.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { rawExchange, type RawSocket } from '../harness/raw-socket.js';
import { DraftClient, fieldsOf, limitsOf, locationOf, version, versions } from './draft-requests.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess({ enableExperimentalProtocol: true, maxSize: 1_000_000 });
});

describe.each(versions())('offset retrieval, %s', (_, spoken) => {
  let client: DraftClient;
  beforeAll(() => {
    client = new DraftClient(server, spoken);
  });

  it('R1 to R5: HEAD is 204 with offset, completeness, length and limits, and not stored', async () => {
    const target = await client.reserve({ length: 11 });
    await client.append(target, 'hello', { complete: false, offset: 0 });
    const response = await client.head(target);
    expect(response.status).toBe(204);
    expect(response.header('Upload-Offset')).toBe('5');
    expect(response.header('Upload-Length')).toBe('11');
    expect(client.isComplete(response)).toBe(false);
    expect(limitsOf(response)).toMatchObject({ 'max-size': 1_000_000 });
    expect(response.header('Cache-Control')).toBe('no-store');
    expect(response.all('Tus-Resumable')).toEqual([]);
    const echoed = spoken.interop === undefined ? [] : [String(spoken.interop)];
    expect(response.all('Upload-Draft-Interop-Version')).toEqual(echoed);
  });

  it('R3: without a length HEAD tells none', async () => {
    const response = await client.head(await client.reserve());
    expect(response.all('Upload-Length')).toEqual([]);
  });

  it('R8: GET of an unfinished upload is 204 with the same; of a finished one it is the content', async () => {
    const target = await client.reserve({ length: 5 });
    const unfinished = await client.get(target);
    expect(unfinished.status).toBe(204);
    expect(unfinished.header('Upload-Offset')).toBe('0');
    expect(client.isComplete(unfinished)).toBe(false);
    await client.append(target, 'hello', { complete: true, offset: 0 });
    const finished = await client.get(target);
    expect([finished.status, finished.body.toString()]).toEqual([200, 'hello']);
    expect(client.isComplete(finished)).toBe(true);
    const range = await client.get(target, { headers: { Range: 'bytes=1-3' } });
    expect([range.status, range.body.toString()]).toEqual([206, 'ell']);
  });

  it.each(['HEAD', 'DELETE'])('R9: %s that tells an offset or completeness is 400', async (method) => {
    const target = await client.reserve({ length: 5 });
    for (const fields of [{ offset: 0 }, { complete: true }, { complete: false }]) {
      const { response } = await rawExchange(server.port, method, target, fieldsOf(spoken, fields));
      expect(response.status).toBe(400);
    }
    expect(await client.state(target)).toMatchObject({ offset: 0 });
  });

  it('K3, X2: DELETE ends an append that is under way, and answers', async () => {
    const target = await client.reserve({ length: 10 });
    const socket = await client.open('PATCH', target, {
      complete: true,
      offset: 0,
      headers: { 'Content-Length': '10', 'Content-Type': spoken.appendType },
    });
    await socket.send('hello');
    await eventually('five bytes', () => server.progress(target) === 5);
    expect((await client.cancel(target)).status).toBe(204);
    expect(await socket.closed()).toBe('ended');
  });

  it('K3, R7: HEAD ends an append that is under way; the next one goes on at its offset', async () => {
    const target = await client.reserve({ length: 10 });
    const socket = await client.open('PATCH', target, {
      complete: true,
      offset: 0,
      headers: { 'Content-Length': '10', 'Content-Type': spoken.appendType },
    });
    await socket.send('hello');
    await eventually('five bytes', () => server.progress(target) === 5);
    expect(await client.state(target)).toMatchObject({ offset: 5, complete: false });
    const rest = await client.append(target, 'world', { complete: true, offset: 5 });
    expect(client.isComplete(rest)).toBe(true);
    expect((await client.get(target)).body.toString()).toBe('helloworld');
  });
});

describe.each(versions(({ interop }) => interop !== undefined))('cancellation, %s', (_, spoken) => {
  it('X1: DELETE is 204; later requests are 404', async () => {
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 5 });
    expect((await client.cancel(target)).status).toBe(204);
    expect((await client.head(target)).status).toBe(404);
    expect((await client.append(target, 'hello', { complete: true, offset: 0 })).status).toBe(404);
    expect((await client.cancel(target)).status).toBe(404);
  });

  it('X4: is 405 where the server does not terminate', async () => {
    const quiet = await startInProcess({ enableExperimentalProtocol: true, disableTermination: true });
    const client = new DraftClient(quiet, spoken);
    const target = await client.reserve({ length: 5 });
    expect((await client.cancel(target)).status).toBe(405);
    expect(await client.state(target)).toMatchObject({ offset: 0 });
  });
});

describe('cancellation without a number', () => {
  it('X1: DELETE of an upload that the draft made is 204', async () => {
    const client = new DraftClient(server, version(undefined));
    const target = await client.reserve({ length: 5 });
    expect((await client.cancel(target)).status).toBe(204);
    expect((await client.append(target, 'hello', { complete: true, offset: 0 })).status).toBe(404);
  });
});

describe('discovery', () => {
  it('OP1, OP5, OP6: OPTIONS is 200 with the limits and the types, for both protocols', async () => {
    const { response } = await rawExchange(server.port, 'OPTIONS', '/files/', {});
    expect(response.status).toBe(200);
    expect(limitsOf(response)).toEqual({ 'min-size': 0, 'max-size': 1_000_000 });
    expect(response.header('Accept-Patch')).toContain('application/partial-upload');
    expect(response.header('Tus-Version')).toBe('1.0.0');
  });

  it.each(versions(({ interop }) => interop !== undefined))('OP1: in %s', async (_, spoken) => {
    const { response } = await rawExchange(server.port, 'OPTIONS', '/files/', fieldsOf(spoken, {}));
    expect(limitsOf(response)).toMatchObject({ 'max-size': 1_000_000 });
    expect(response.header('Upload-Draft-Interop-Version')).toBe(String(spoken.interop));
  });

  it('OP2: without limits it is min-size=0', async () => {
    const unlimited = await startInProcess({ enableExperimentalProtocol: true });
    const { response } = await rawExchange(unlimited.port, 'OPTIONS', '/files/', {});
    expect(response.header('Upload-Limit')).toBe('min-size=0');
  });

  it('OP3: OPTIONS * tells the same', async () => {
    const { response } = await rawExchange(server.port, 'OPTIONS', '*', {});
    expect(response.status).toBe(200);
    expect(limitsOf(response)).toMatchObject({ 'max-size': 1_000_000 });
  });

  it('OP7: with Upload-Complete it creates nothing', async () => {
    const before = (await server.uploads()).length;
    const { response } = await rawExchange(
      server.port,
      'OPTIONS',
      '/files/',
      fieldsOf(version(9), { complete: true }),
    );
    expect(response.status).toBe(200);
    expect(await server.uploads()).toHaveLength(before);
  });

  it('tells nothing of the draft while the option is off', async () => {
    const tus = await startInProcess({ enableExperimentalProtocol: false });
    const { response } = await rawExchange(tus.port, 'OPTIONS', '/files/', {});
    expect(response.all('Upload-Limit')).toEqual([]);
    expect(response.all('Accept-Patch')).toEqual([]);
    const creation = await new DraftClient(tus, version(9)).create('hello', { complete: true });
    expect(creation.status).toBe(412);
  });
});

describe('limits', () => {
  let limited: InProcessServer;
  beforeAll(async () => {
    limited = await startInProcess({
      enableExperimentalProtocol: true,
      maxSize: 100,
      minSize: 10,
      maxAppendSize: 20,
      minAppendSize: 5,
    });
  });

  it.each(versions())('are told in every answer that has to do with them, %s', async (_, spoken) => {
    const client = new DraftClient(limited, spoken);
    const all = { 'max-size': 100, 'min-size': 10, 'max-append-size': 20, 'min-append-size': 5 };
    const created = await client.create('', { complete: false, length: 50 });
    expect(limitsOf(created)).toEqual(all);
    const target = locationOf(created);
    expect(limitsOf(await client.head(target))).toEqual(all);
    for (const [body, status] of [
      ['x'.repeat(21), 413],
      ['x'.repeat(4), 400],
    ] as const) {
      const refused = await client.append(target, body, { complete: false, offset: 0 });
      expect(refused.status).toBe(status);
      expect(limitsOf(refused)).toEqual(all);
      expect(client.isComplete(refused)).toBe(false);
    }
    expect(await client.state(target)).toMatchObject({ offset: 0 });
  });

  it.each(versions())(
    'are checked in their order: offset, max-append-size, overflow, %s',
    async (_, spoken) => {
      const client = new DraftClient(limited, spoken);
      const target = await client.reserve({ length: 12 });
      const large = 'x'.repeat(21);
      expect((await client.append(target, large, { complete: true, offset: 1 })).status).toBe(409);
      expect((await client.append(target, large, { complete: true, offset: 0 })).status).toBe(413);
      const small = await client.append(target, 'x', { complete: false, offset: 0, length: 13 });
      expect(JSON.parse(small.body.toString())).toMatchObject({ code: 'ERR_INVALID_UPLOAD_LENGTH' });
      expect(await client.state(target)).toMatchObject({ offset: 0, length: 12 });
    },
  );

  it('max-append-size stops a chunked body; what came before stays', async () => {
    const client = new DraftClient(limited, version(9));
    const target = await client.reserve({ length: 50 });
    const socket = await client.open('PATCH', target, {
      complete: false,
      offset: 0,
      headers: { 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/partial-upload' },
    });
    await socket.send(`1e\r\n${'x'.repeat(30)}\r\n`);
    const response = await socket.response('PATCH');
    expect(response.status).toBe(413);
    expect(await client.state(target)).toMatchObject({ offset: 20, complete: false });
  });

  it('min-append-size does not hold for a request that completes, nor for an empty creation', async () => {
    const client = new DraftClient(limited, version(9));
    const target = await client.reserve({ length: 21 });
    await client.append(target, 'x'.repeat(20), { complete: false, offset: 0 });
    const last = await client.append(target, 'x', { complete: true, offset: 20 });
    expect(client.isComplete(last)).toBe(true);
  });

  it.each(versions())('those of an append hold for a creation since -12 only, %s', async (_, spoken) => {
    const client = new DraftClient(limited, spoken);
    const response = await client.create('x'.repeat(30), { complete: true });
    expect(response.status).toBe(spoken.interop === undefined || spoken.interop === 9 ? 413 : 201);
  });

  it('U12: below min-size an upload is taken whole, without 104, and not in parts', async () => {
    const client = new DraftClient(limited, version(9));
    const whole = await client.create('hello', { complete: true });
    expect([whole.status, whole.informational]).toEqual([201, []]);
    const part = await client.create('', { complete: false, length: 5 });
    expect(part.status).toBe(400);
    expect(limitsOf(part)).toMatchObject({ 'min-size': 10 });
  });

  it('max-size holds for a body of unknown length', async () => {
    const unlimitedAppends = await startInProcess({ enableExperimentalProtocol: true, maxSize: 5 });
    const client = new DraftClient(unlimitedAppends, version(9));
    const target = await client.reserve();
    const socket = await client.open('PATCH', target, {
      complete: true,
      offset: 0,
      headers: { 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/partial-upload' },
    });
    await socket.send('6\r\nhello!\r\n0\r\n\r\n');
    const response = await socket.response('PATCH');
    expect(response.status).toBe(413);
    expect(limitsOf(response)).toEqual({ 'min-size': 0, 'max-size': 5 });
  });
});

describe('max-age', () => {
  const clock = useStoppedClock();

  it.each(versions())('counts down, by the name of the version, %s', async (_, spoken) => {
    const aging = await startInProcess({
      enableExperimentalProtocol: true,
      expiration: { after: 60_000, sweepInterval: 0 },
    });
    const client = new DraftClient(aging, spoken);
    const created = await client.create('', { complete: false, length: 5 });
    expect(limitsOf(created)[spoken.ageKey]).toBe(60);
    clock.pass(20_000);
    expect(limitsOf(await client.head(locationOf(created)))[spoken.ageKey]).toBe(40);
    clock.pass(41_000);
    expect((await client.head(locationOf(created))).status).toBe(410);
  });
});

describe('what request a request is', () => {
  it.each([
    ['HEAD', {}],
    ['GET', {}],
    [
      'PATCH',
      { 'Content-Type': 'application/partial-upload', 'Upload-Offset': '0', 'Upload-Complete': '?0' },
    ],
  ])('without a number, %s of an upload that the draft made is the draft', async (method, headers) => {
    const target = await new DraftClient(server, version(6)).reserve({ length: 5 });
    const { response } = await rawExchange(server.port, method, target, headers);
    expect(response.status).toBe(204);
    expect(response.header('Upload-Complete')).toBe('?0');
  });

  it('without a number, HEAD of an upload that tus made is tus: 412', async () => {
    const creation = { 'Tus-Resumable': '1.0.0', 'Upload-Length': '5' };
    const { response } = await rawExchange(server.port, 'POST', '/files/', creation);
    const target = locationOf(response);
    expect((await rawExchange(server.port, 'HEAD', target, {})).response.status).toBe(412);
    expect((await rawExchange(server.port, 'POST', '/files/', {})).response.status).toBe(412);
  });

  it('Tus-Resumable makes it tus, whatever else it has', async () => {
    const fields = fieldsOf(version(9), { complete: false, headers: { 'Tus-Resumable': '1.0.0' } });
    const { response } = await rawExchange(server.port, 'POST', '/files/', {
      ...fields,
      'Upload-Length': '5',
    });
    expect(response.status).toBe(201);
    expect(response.header('Tus-Resumable')).toBe('1.0.0');
    expect(response.informational).toEqual([]);
  });
});

describe('an upload of the other protocol', () => {
  const TUS = { 'Tus-Resumable': '1.0.0' };

  it('is refused a PATCH of tus, and may be asked, read and deleted', async () => {
    const client = new DraftClient(server, version(9));
    const target = await client.reserve({ length: 5 });
    const append = {
      ...TUS,
      'Content-Type': 'application/offset+octet-stream',
      'Upload-Offset': '0',
      'Content-Length': '5',
    };
    const { response } = await rawExchange(server.port, 'PATCH', target, append, 'hello');
    expect(response.status).toBe(415);
    expect(response.header('Accept-Patch')).toBe('application/partial-upload');
    expect(response.body.toString()).toMatch(/^ERR_FOREIGN_UPLOAD: /);
    const { response: head } = await rawExchange(server.port, 'HEAD', target, TUS);
    expect([head.status, head.header('Upload-Offset')]).toEqual([200, '0']);
    await client.append(target, 'hello', { complete: true, offset: 0 });
    expect((await rawExchange(server.port, 'GET', target, TUS)).response.body.toString()).toBe('hello');
    expect((await rawExchange(server.port, 'DELETE', target, TUS)).response.status).toBe(204);
  });

  it('does not look complete to tus before the draft says so', async () => {
    const client = new DraftClient(server, version(9));
    const target = await client.reserve({ length: 5 });
    await client.append(target, 'hello', { complete: false, offset: 0 });
    expect((await rawExchange(server.port, 'HEAD', target, TUS)).response.status).toBe(423);
    expect((await rawExchange(server.port, 'GET', target, TUS)).response.status).toBe(400);
  });

  it.each(versions())(
    'is refused an append of the draft, and may be asked and deleted, %s',
    async (_, spoken) => {
      const { response: made } = await rawExchange(server.port, 'POST', '/files/', {
        ...TUS,
        'Upload-Length': '5',
      });
      const target = locationOf(made);
      const client = new DraftClient(server, spoken);
      const response = await client.append(target, 'hello', { complete: true, offset: 0 });
      expect(response.status).toBe(415);
      expect(response.header('Accept-Patch')).toBe('application/offset+octet-stream');
      if (spoken.interop === undefined) return;
      expect(await client.state(target)).toEqual({ offset: 0, length: 5, complete: false });
      expect((await client.cancel(target)).status).toBe(204);
    },
  );

  it('does not end a request that is under way', async () => {
    const client = new DraftClient(server, version(9));
    const target = await client.reserve({ length: 10 });
    const socket: RawSocket = await client.open('PATCH', target, {
      complete: true,
      offset: 0,
      headers: { 'Content-Length': '10', 'Content-Type': 'application/partial-upload' },
    });
    await socket.send('hello');
    await eventually('five bytes', () => server.progress(target) === 5);
    const append = {
      ...TUS,
      'Content-Type': 'application/offset+octet-stream',
      'Upload-Offset': '5',
      'Content-Length': '5',
    };
    expect((await rawExchange(server.port, 'PATCH', target, append, 'world')).response.status).toBe(415);
    await socket.send('world');
    expect((await socket.response('PATCH')).status).toBe(201);
  });
});
