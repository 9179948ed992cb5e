import { errors, HttpError } from '@nestjs-tus/core';
import { startInProcess, type InProcessOptions, type InProcessServer } from '../harness/in-process-server.js';
import { DraftClient, locationOf, problemOf, version, versions } from './draft-requests.js';

function start(options: InProcessOptions): Promise<InProcessServer> {
  return startInProcess({ enableExperimentalProtocol: true, ...options });
}

const UNPROCESSABLE = { code: 'ERR_VIRUS', status: 422, message: 'a virus was found' };

describe.each(versions())('the response of the finish hook, %s', (_, spoken) => {
  it('A5, U4: is that of the request that completes, with completeness, offset and Location', async () => {
    const server = await start({
      preFinishResponseCallback: () => ({
        response: {
          statusCode: 202,
          header: { 'X-Receipt': '17', 'Content-Type': 'text/plain' },
          body: 'thanks',
        },
      }),
    });
    const client = new DraftClient(server, spoken);
    const created = await client.create('hello', { complete: true });
    const target = await client.reserve({ length: 5 });
    const appended = await client.append(target, 'hello', { complete: true, offset: 0 });
    for (const response of [created, appended]) {
      expect([response.status, response.body.toString()]).toEqual([202, 'thanks']);
      expect(response.header('X-Receipt')).toBe('17');
      expect(response.header('Upload-Offset')).toBe('5');
      expect(client.isComplete(response)).toBe(true);
    }
    expect(locationOf(appended)).toBe(target);
  });

  it('A5: a refusal for good is final: HEAD and PATCH give it again', async () => {
    let asked = 0;
    const server = await start({
      preFinishResponseCallback() {
        asked += 1;
        throw new HttpError(UNPROCESSABLE, { header: { 'X-Virus': 'eicar' } });
      },
    });
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 5 });
    const first = await client.append(target, 'hello', { complete: true, offset: 0 });
    const again = await client.append(target, '', { complete: true, offset: 5 });
    for (const response of [first, again]) {
      expect(response.status).toBe(422);
      expect(client.isComplete(response)).toBe(true);
      expect(response.header('X-Virus')).toBe('eicar');
      expect(problemOf(response)).toMatchObject({ code: 'ERR_VIRUS', detail: 'a virus was found' });
    }
    const head = await client.head(target);
    expect(head.status).toBe(422);
    expect(client.isComplete(head)).toBe(true);
    expect((await client.get(target)).status).toBe(422);
    expect(asked).toBe(1);
  });

  it('a failure that passes is not final: the upload has all its bytes, and the next request asks again', async () => {
    let fails = true;
    const server = await start({
      preFinishResponseCallback() {
        if (fails) throw errors.storageUnavailable();
      },
    });
    const client = new DraftClient(server, spoken);
    const target = await client.reserve({ length: 5 });
    const failed = await client.append(target, 'hello', { complete: true, offset: 0 });
    expect(failed.status).toBe(503);
    expect(failed.header('Retry-After')).toBe('1');
    expect(client.isComplete(failed)).toBe(false);
    expect((await client.head(target)).status).toBe(423);
    fails = false;
    expect(await client.state(target)).toEqual({ offset: 5, length: 5, complete: true });
  });
});

describe('a final response that got lost', () => {
  const ANSWER = { statusCode: 200, header: { 'Content-Type': 'application/json' }, body: '{"id":17}' };

  it.each([undefined, 9, 5, 4, 3])(
    '2.12: is given again to an empty ?1 at the end, interop %s',
    async (interop) => {
      let asked = 0;
      const server = await start({
        preFinishResponseCallback() {
          asked += 1;
          return { response: ANSWER };
        },
      });
      const client = new DraftClient(server, version(interop));
      const target = await client.reserve({ length: 5 });
      const socket = await client.open('PATCH', target, {
        complete: true,
        offset: 0,
        headers: { 'Content-Length': '5', 'Content-Type': client.spoken.appendType },
      });
      await socket.send('hello');
      socket.reset();
      const { offset } = await client.state(target);
      if (offset < 5) await client.append(target, 'hello'.slice(offset), { complete: true, offset });
      for (let repetition = 0; repetition < 2; repetition += 1) {
        const response = await client.append(target, '', { complete: true, offset: 5 });
        expect([response.status, response.body.toString()]).toEqual([200, '{"id":17}']);
        expect(response.header('Content-Type')).toBe('application/json');
        expect(client.isComplete(response)).toBe(true);
      }
      expect(asked).toBe(1);
    },
  );

  it('is kept without its body when that is large', async () => {
    const body = 'x'.repeat(64 * 1024 + 1);
    const server = await start({
      preFinishResponseCallback: () => ({ response: { statusCode: 200, body } }),
    });
    const client = new DraftClient(server, version(9));
    const target = locationOf(await client.create('hello', { complete: true }));
    const again = await client.append(target, '', { complete: true, offset: 5 });
    expect([again.status, again.body.length]).toEqual([200, 0]);
  });
});

describe('the creation hook', () => {
  it.each(versions())(
    'U13: refuses before anything is announced, and its answer is not that of the protocol, %s',
    async (_, spoken) => {
      const server = await start({
        preUploadCreateCallback() {
          throw new HttpError({ code: 'ERR_FORBIDDEN', status: 403, message: 'not for you' });
        },
      });
      const client = new DraftClient(server, spoken);
      const response = await client.create('hello', { complete: true });
      expect([response.status, response.informational]).toEqual([403, []]);
      expect(response.all(spoken.field)).toEqual([]);
      expect(problemOf(response)).toMatchObject({
        type: 'about:blank',
        title: 'Forbidden',
        status: 403,
        code: 'ERR_FORBIDDEN',
      });
      expect(await server.uploads()).toEqual([]);
    },
  );

  it('sees the draft as its protocol', async () => {
    const seen: unknown[] = [];
    const server = await start({
      preUploadCreateCallback: ({ upload }) =>
        void seen.push([upload.protocol, upload.size, upload.sizeIsDeferred]),
    });
    await new DraftClient(server, version(6)).create('hello', { complete: true });
    await new DraftClient(server, version(9)).create('hello', { complete: false });
    expect(seen).toEqual([
      ['ietf', 5, false],
      ['ietf', 0, true],
    ]);
  });
});

describe('events', () => {
  it('tell a completion once, when the client says so', async () => {
    const server = await start({});
    const client = new DraftClient(server, version(9));
    const target = await client.reserve({ length: 5 });
    await client.append(target, 'hello', { complete: false, offset: 0 });
    expect(server.events.map(({ name }) => name)).not.toContain('completed');
    await client.append(target, '', { complete: true, offset: 5 });
    await client.append(target, '', { complete: true, offset: 5 });
    expect(server.events.filter(({ name }) => name === 'completed')).toHaveLength(1);
    expect(server.handler.metrics.uploadsFinished).toBe(1);
  });
});
