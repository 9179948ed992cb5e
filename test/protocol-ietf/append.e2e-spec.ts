import { eventually } from '../harness/eventually.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { randomContent } from '../harness/random-content.js';
import { chunked } from '../harness/raw-socket.js';
import { DraftClient, locationOf, problemOf, version, versions } from './draft-requests.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess({ enableExperimentalProtocol: true });
});

const CHUNKED = { 'Transfer-Encoding': 'chunked' };

describe.each(versions())('append, %s', (_, spoken) => {
  let client: DraftClient;
  beforeAll(() => {
    client = new DraftClient(server, spoken);
  });

  it('A5, A6: ?0 goes on, ?1 completes; A11: every answer tells completeness and the offset', async () => {
    const content = randomContent('append', 200_000);
    const target = await client.reserve({ length: content.length });
    const part = await client.append(target, content.subarray(0, 65_537), { complete: false, offset: 0 });
    expect(part.status).toBe(spoken.appended);
    expect(client.isComplete(part)).toBe(false);
    expect(part.header('Upload-Offset')).toBe('65537');
    const rest = await client.append(target, content.subarray(65_537), { complete: true, offset: 65_537 });
    expect(rest.status).toBe(201);
    expect(client.isComplete(rest)).toBe(true);
    expect(rest.header('Upload-Offset')).toBe('200000');
    expect((await client.get(target)).body.equals(content)).toBe(true);
  });

  it('A7: ?1 with Content-Length tells the length, before the body has come', async () => {
    const target = await client.reserve();
    const socket = await client.open('PATCH', target, {
      complete: true,
      offset: 0,
      headers: { 'Content-Length': '10', 'Content-Type': spoken.appendType },
    });
    await socket.send('hello');
    await eventually('five bytes', async () =>
      (await server.uploads()).some(({ id, offset }) => target.endsWith(id) && offset === 5),
    );
    expect(await client.state(target)).toEqual({ offset: 5, length: 10, complete: false });
  });

  it('A7: Upload-Length tells the length', async () => {
    const target = await client.reserve();
    await client.append(target, 'hello', { complete: false, offset: 0, length: 11 });
    expect(await client.state(target)).toEqual({ offset: 5, length: 11, complete: false });
  });

  it('?1 with chunked content of unknown length completes, and then the length is known', async () => {
    const target = await client.reserve();
    const response = await client.append(target, chunked(['hello', ' world']), {
      complete: true,
      offset: 0,
      headers: CHUNKED,
    });
    expect(client.isComplete(response)).toBe(true);
    expect(await client.state(target)).toEqual({ offset: 11, length: 11, complete: true });
  });

  it('A2: a missing or malformed offset is 400', async () => {
    const target = await client.reserve({ length: 5 });
    for (const value of [undefined, '-1', '0.0', '"0"', '0, 0', ['0', '0']]) {
      const response = await client.append(target, 'hello', {
        complete: true,
        headers: { 'Upload-Offset': value },
      });
      expect(response.status).toBe(400);
      expect(client.isComplete(response)).toBe(false);
    }
    expect(await client.state(target)).toMatchObject({ offset: 0, complete: false });
  });

  it('F1: parameters of an offset are ignored', async () => {
    const target = await client.reserve({ length: 5 });
    const response = await client.append(target, 'hello', {
      complete: true,
      headers: { 'Upload-Offset': '0;a=b' },
    });
    expect(client.isComplete(response)).toBe(true);
  });

  it('A3: another offset is 409 with the current one, and stores nothing', async () => {
    const target = await client.reserve({ length: 10 });
    await client.append(target, 'hello', { complete: false, offset: 0 });
    for (const offset of [0, 4, 6, 10]) {
      const response = await client.append(target, 'world', { complete: offset === 5, offset });
      expect(response.status).toBe(409);
      expect(response.header('Upload-Offset')).toBe('5');
      expect(client.isComplete(response)).toBe(false);
      expect(problemOf(response)).toMatchObject({
        'expected-offset': 5,
        'provided-offset': offset,
        code: 'ERR_MISMATCHED_OFFSET',
      });
    }
    expect(await client.state(target)).toMatchObject({ offset: 5 });
  });

  it('A3: is answered before the body is sent', async () => {
    const target = await client.reserve({ length: 10_000_000 });
    const socket = await client.open('PATCH', target, {
      complete: false,
      offset: 1,
      headers: { 'Content-Length': '9999999', 'Content-Type': spoken.appendType },
    });
    expect((await socket.response('PATCH')).status).toBe(409);
  });

  it('A4: keeps what came of a body that was cut, and is not complete', async () => {
    const target = await client.reserve({ length: 10 });
    const socket = await client.open('PATCH', target, {
      complete: true,
      offset: 0,
      headers: { 'Content-Length': '10', 'Content-Type': spoken.appendType },
    });
    await socket.send('hello');
    await eventually('five bytes', async () =>
      (await server.uploads()).some(({ id, offset }) => target.endsWith(id) && offset === 5),
    );
    socket.reset();
    expect(await client.state(target)).toEqual({ offset: 5, length: 10, complete: false });
  });

  it('ST5: lengths that do not agree are 400, and the upload stays', async () => {
    const target = await client.reserve({ length: 10 });
    const other = await client.append(target, 'hello', { complete: false, offset: 0, length: 11 });
    expect(other.status).toBe(400);
    const short = await client.append(target, 'hello', { complete: true, offset: 0 });
    expect(short.status).toBe(400);
    expect(client.isComplete(short)).toBe(false);
    expect(await client.state(target)).toEqual({ offset: 0, length: 10, complete: false });
  });

  it('ST5: ?1 with a chunked body that is too short is 400: what came stays, and is not complete', async () => {
    const target = await client.reserve({ length: 10 });
    const response = await client.append(target, chunked(['hello']), {
      complete: true,
      offset: 0,
      headers: CHUNKED,
    });
    expect(response.status).toBe(400);
    expect(await client.state(target)).toEqual({ offset: 5, length: 10, complete: false });
  });

  it('an unknown upload is 404', async () => {
    const response = await client.append('/files/unknown', 'hello', { complete: true, offset: 0 });
    expect(response.status).toBe(404);
    expect(client.isComplete(response)).toBe(false);
  });

  it('K1: of two appends at one offset at most one succeeds', async () => {
    const target = await client.reserve({ length: 5 });
    const answers = await Promise.all(
      ['aaaaa', 'bbbbb'].map((body) => client.append(target, body, { complete: true, offset: 0 })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const content = (await client.get(target)).body.toString();
    expect(['aaaaa', 'bbbbb']).toContain(content);
  });
});

describe.each(versions(({ completesAtLength }) => !completesAtLength))('completion, %s', (_, spoken) => {
  it('ST6: offset = length is not complete; an empty ?1 completes', async () => {
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 5 });
    const all = await client.append(target, 'hello', { complete: false, offset: 0 });
    expect(client.isComplete(all)).toBe(false);
    expect(await client.state(target)).toEqual({ offset: 5, length: 5, complete: false });
    const last = await client.append(target, '', { complete: true, offset: 5 });
    expect(client.isComplete(last)).toBe(true);
    expect(await client.state(target)).toEqual({ offset: 5, length: 5, complete: true });
  });

  it('ST6: an empty upload is not complete before ?1', async () => {
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 0 });
    expect(await client.state(target)).toMatchObject({ complete: false });
    expect(client.isComplete(await client.append(target, '', { complete: true, offset: 0 }))).toBe(true);
  });
});

describe.each(versions(({ completesAtLength }) => completesAtLength))('completion, %s', (_, spoken) => {
  it('offset = length is complete, since tus-js-client takes it for that; a late ?1 is no error', async () => {
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 5 });
    expect(client.isComplete(await client.append(target, 'hello', { complete: false, offset: 0 }))).toBe(
      true,
    );
    expect(await client.state(target)).toMatchObject({ complete: true });
    expect(client.isComplete(await client.append(target, '', { complete: true, offset: 5 }))).toBe(true);
  });

  it('an empty upload with a known length is complete at once', async () => {
    const client = new DraftClient(server, spoken);
    expect(await client.state(await client.reserve({ length: 0 }))).toMatchObject({ complete: true });
  });
});

describe.each(versions(({ overflow }) => overflow === 'invalidate'))('overflow, %s', (_, spoken) => {
  it.each([
    ['by Content-Length', 'hello!', {}],
    ['in a chunked body', chunked(['hel', 'lo!']), CHUNKED],
  ])('ST7: %s is 400 and ends the upload', async (_case, body, headers) => {
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 5 });
    const response = await client.append(target, body, { complete: false, offset: 0, headers });
    expect(response.status).toBe(400);
    expect(client.isComplete(response)).toBe(false);
    expect(problemOf(response)['type']).toMatch(/#inconsistent-upload-length$/);
    // Of an upload that is gone nobody knows which protocol a request without any number means.
    const gone = spoken.interop === undefined ? 412 : 404;
    expect((await client.head(target)).status).toBe(gone);
    expect([404, 410]).toContain((await client.append(target, '', { complete: true, offset: 5 })).status);
  });

  it('ST7: at creation leaves no upload', async () => {
    const client = new DraftClient(server, spoken);
    const before = (await server.uploads()).length;
    const response = await client.create(chunked(['hel', 'lo!']), {
      complete: false,
      length: 5,
      headers: CHUNKED,
    });
    expect(response.status).toBe(400);
    expect(response.all('Location')).toEqual([]);
    expect(await server.uploads()).toHaveLength(before);
  });

  it('ST7: in a plain upload leaves none, either', async () => {
    const client = new DraftClient(server, spoken);
    const before = (await server.uploads()).length;
    const headers = { ...CHUNKED, 'Upload-Complete': undefined };
    const response = await client.create(chunked(['hel', 'lo!']), { length: 5, headers });
    // Without a number and without the field it is no request of the draft.
    expect(response.status).toBe(spoken.interop === undefined ? 412 : 400);
    expect(await server.uploads()).toHaveLength(before);
  });
});

describe.each(versions(({ overflow }) => overflow === 'stop'))('overflow, %s', (_, spoken) => {
  it('ST7: by Content-Length is 400 and stores nothing', async () => {
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 5 });
    const response = await client.append(target, 'hello!', { complete: false, offset: 0 });
    expect(response.status).toBe(400);
    expect(await client.state(target)).toMatchObject({ offset: 0, complete: false });
  });

  it('ST7: in a chunked body is 400 and stops at the length; the upload stays', async () => {
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 5 });
    const response = await client.append(target, chunked(['hel', 'lo!']), {
      complete: false,
      offset: 0,
      headers: CHUNKED,
    });
    expect(response.status).toBe(400);
    expect(client.isComplete(response)).toBe(false);
    expect(await client.state(target)).toMatchObject({ offset: 5, length: 5 });
  });
});

describe.each(versions(({ appendType }) => appendType !== undefined))('media type, %s', (_, spoken) => {
  it.each([undefined, 'text/plain', 'application/offset+octet-stream'])('A1: %s is 415', async (type) => {
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 5 });
    const response = await client.append(target, 'hello', {
      complete: true,
      offset: 0,
      headers: { 'Content-Type': type },
    });
    expect(response.status).toBe(415);
    expect(response.header('Accept-Patch')).toBe('application/partial-upload');
    expect(await client.state(target)).toMatchObject({ offset: 0 });
  });

  it('A1: parameters and capitals do not matter', async () => {
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 5 });
    const response = await client.append(target, 'hello', {
      complete: true,
      offset: 0,
      headers: { 'Content-Type': 'Application/Partial-Upload; x=y' },
    });
    expect(client.isComplete(response)).toBe(true);
  });
});

describe.each(versions(({ appendType }) => appendType === undefined))('media type, %s', (_, spoken) => {
  it.each([undefined, 'text/plain'])('A1: any is taken: %s', async (type) => {
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 5 });
    const response = await client.append(target, 'hello', {
      complete: true,
      offset: 0,
      headers: { 'Content-Type': type },
    });
    expect(client.isComplete(response)).toBe(true);
  });
});

describe('the completeness field of an append', () => {
  it.each(versions(({ interop }) => interop !== 3 && interop !== undefined))(
    'A2: missing or malformed is 400, %s',
    async (_, spoken) => {
      const client = new DraftClient(server, spoken);
      const target = await client.reserve({ length: 5 });
      for (const value of [undefined, '1', 'true', '?2']) {
        const response = await client.append(target, 'hello', {
          offset: 0,
          headers: { 'Upload-Complete': value },
        });
        expect(response.status).toBe(400);
      }
      expect(await client.state(target)).toMatchObject({ offset: 0 });
    },
  );

  it('A2: missing in interop 3 completes', async () => {
    const client = new DraftClient(server, version(3));
    const target = await client.reserve({ length: 5 });
    expect(client.isComplete(await client.append(target, 'hello', { offset: 0 }))).toBe(true);
  });
});

describe('problem types', () => {
  const MISMATCH = 'https://iana.org/assignments/http-problem-types#mismatching-upload-offset';
  const LENGTH = 'https://iana.org/assignments/http-problem-types#inconsistent-upload-length';

  it.each(versions())('are those of the version, %s', async (_, spoken) => {
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 10 });
    const mismatch = problemOf(await client.append(target, 'hello', { complete: false, offset: 3 }));
    const length = problemOf(await client.append(target, 'hello', { complete: true, offset: 0 }));
    const { interop = 9 } = spoken;
    expect(mismatch['type']).toBe(interop >= 6 ? MISMATCH : 'about:blank');
    expect(length['type']).toBe(interop >= 7 ? LENGTH : 'about:blank');
    expect(length['code']).toBe('ERR_INVALID_UPLOAD_LENGTH');
  });
});

describe('progress', () => {
  it.each(versions(({ interop }) => (interop ?? 0) >= 5))(
    'A8: is told by 104 without Location, of what is stored, %s',
    async (_, spoken) => {
      const client = new DraftClient(server, spoken);
      const target = await client.reserve({ length: 10 });
      const socket = await client.open('PATCH', target, {
        complete: true,
        offset: 0,
        headers: { 'Content-Length': '10', 'Content-Type': spoken.appendType },
      });
      await socket.send('hello');
      const interim = await socket.message('PATCH');
      expect(interim.status).toBe(104);
      expect(interim.header('Upload-Offset')).toBe('5');
      expect(interim.all('Location')).toEqual([]);
      expect(interim.header('Upload-Draft-Interop-Version')).toBe(String(spoken.interop));
      await socket.send('world');
      const response = await socket.response('PATCH');
      expect(response.status).toBe(201);
      for (const { status } of response.informational) expect(status).toBe(104);
    },
  );

  it.each(versions(({ interop }) => (interop ?? 0) < 5))('is not told, %s', async (_, spoken) => {
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 10 });
    const socket = await client.open('PATCH', target, {
      complete: true,
      offset: 0,
      headers: { 'Content-Length': '10', 'Content-Type': spoken.appendType },
    });
    await socket.send('hello');
    await eventually('five bytes', () => server.progress(target) === 5);
    await socket.send('world');
    expect((await socket.response('PATCH')).informational).toEqual([]);
  });
});

describe('a request that comes again', () => {
  it.each(versions(({ interop }) => interop === undefined || interop === 9 || interop <= 5))(
    'A9: gets the kept answer, %s',
    async (_, spoken) => {
      const client = new DraftClient(server, spoken);
      const target = locationOf(await client.create('hello', { complete: true }));
      const again = await client.append(target, '', { complete: true, offset: 5 });
      expect(again.status).toBe(201);
      expect(client.isComplete(again)).toBe(true);
    },
  );

  it.each(versions(({ interop = 0 }) => interop >= 6 && interop <= 8))(
    'A9: is refused as completed-upload, %s',
    async (_, spoken) => {
      const client = new DraftClient(server, spoken);
      const target = locationOf(await client.create('hello', { complete: true }));
      const again = await client.append(target, '', { complete: true, offset: 5 });
      expect(again.status).toBe(400);
      expect(problemOf(again)['type']).toBe(
        'https://iana.org/assignments/http-problem-types#completed-upload',
      );
    },
  );

  it.each(versions())(
    'A9: more content, or another offset, is refused, and nothing changes, %s',
    async (_, spoken) => {
      const client = new DraftClient(server, spoken);
      const target = locationOf(await client.create('hello', { complete: true }));
      const more = await client.append(target, '!', { complete: true, offset: 5 });
      expect(more.status).toBe(400);
      expect(client.isComplete(more)).toBe(false);
      const elsewhere = await client.append(target, '', { complete: true, offset: 0 });
      expect(elsewhere.status).toBe(409);
      expect(client.isComplete(elsewhere)).toBe(false);
      expect((await client.get(target)).body.toString()).toBe('hello');
    },
  );
});
