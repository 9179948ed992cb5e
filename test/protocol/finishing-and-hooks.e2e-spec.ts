import { HttpError, type HookEvent, type HookResult } from '@nestjs-tus/core';
import { eventually } from '../harness/eventually.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { RawSocket } from '../harness/raw-socket.js';
import {
  create,
  createUpload,
  download,
  head,
  locationOf,
  OFFSET_STREAM,
  patch,
  storeUpload,
  terminate,
} from '../harness/tus-requests.js';
import { base64 } from '../harness/wire-values.js';

type Hook = (event: HookEvent) => HookResult | void | Promise<HookResult | void>;

const refusal = (status: number, body?: string) =>
  new HttpError(
    { code: 'ERR_HOOK_SAYS_NO', status, message: 'not this one' },
    { body, header: { 'X-Why': 'policy' } },
  );

/** A server whose hooks a test sets, and counts. */
async function hooked(hooks: { create?: Hook; finish?: Hook; terminate?: Hook }) {
  const calls = { create: 0, finish: 0, terminate: 0 };
  const run = (name: keyof typeof calls) => (event: HookEvent) => {
    calls[name]++;
    return hooks[name]?.(event);
  };
  const server = await startInProcess({
    preUploadCreateCallback: run('create'),
    preFinishResponseCallback: run('finish'),
    preUploadTerminateCallback: run('terminate'),
  });
  return { server, calls, hooks };
}

const eventNames = (server: InProcessServer, url: string) =>
  server.events
    .filter(({ name, event }) => name !== 'progress' && url.endsWith(event.upload.id))
    .map(({ name }) => name);

describe('preFinishResponse', () => {
  it('runs once, when all bytes are there, before the client is told', async () => {
    const { server, calls } = await hooked({
      finish: ({ upload }) => expect(upload).toMatchObject({ offset: 10, size: 10 }),
    });
    const url = await createUpload(server.url, 10);
    await patch(url, 0, 'hello');
    expect(calls.finish).toBe(0);
    expect((await patch(url, 5, 'world')).status).toBe(204);
    await head(url);
    await patch(url, 10, '');
    expect(calls.finish).toBe(1);
    expect(eventNames(server, url)).toEqual(['created', 'completed']);
  });

  it('P4: its headers go out with the answer, which stays a 204', async () => {
    const { server } = await hooked({ finish: () => ({ response: { header: { 'X-Result': '42' } } }) });
    const url = await createUpload(server.url, 5);
    const reply = await patch(url, 0, 'hello');
    expect([reply.status, reply.headers['x-result'], reply.headers['upload-offset']]).toEqual([
      204,
      '42',
      '5',
    ]);
  });

  it('may answer with a status and a body of its own; the offset is still told', async () => {
    const { server } = await hooked({ finish: () => ({ response: { statusCode: 200, body: '{"id":7}' } }) });
    const url = await createUpload(server.url, 5);
    const reply = await patch(url, 0, 'hello');
    expect([reply.status, reply.text, reply.headers['upload-offset']]).toEqual([200, '{"id":7}', '5']);
  });

  it('answers a creation that brings everything', async () => {
    const { server, calls } = await hooked({
      finish: () => ({ response: { header: { 'X-Result': '42' } } }),
    });
    const reply = await create(server.url, { 'Upload-Length': '5', 'Content-Type': OFFSET_STREAM }, 'hello');
    expect([reply.status, reply.headers['x-result'], calls.finish]).toEqual([201, '42', 1]);
  });

  describe('that refuses for good', () => {
    it('gives its refusal to the PATCH, and to whoever asks later', async () => {
      const { server, calls } = await hooked({
        finish: () => {
          throw refusal(422, 'virus found');
        },
      });
      const url = await createUpload(server.url, 5);
      const first = await patch(url, 0, 'hello');
      expect([first.status, first.text, first.headers['x-why']]).toEqual([422, 'virus found', 'policy']);
      const asked = await head(url);
      expect(asked.status).toBe(422);
      expect(asked.headers).not.toHaveProperty('upload-offset');
      expect((await patch(url, 5, '')).status).toBe(422);
      expect((await download(url)).status).toBeGreaterThanOrEqual(400);
      expect(calls.finish).toBe(1);
      expect(eventNames(server, url)).toEqual(['created']);
    });

    it('leaves an upload that can be terminated', async () => {
      const { server } = await hooked({
        finish: () => {
          throw refusal(403);
        },
      });
      const url = await createUpload(server.url, 5);
      await patch(url, 0, 'hello');
      expect((await terminate(url)).status).toBe(204);
      expect(await server.uploads()).toEqual([]);
    });
  });

  describe.each([
    ['an outage (503)', () => refusal(503)],
    ['a bug', () => new Error('connect ECONNREFUSED db.internal:5432')],
  ])('that fails for a reason that passes: %s', (_, makeError) => {
    it('HEAD is 423 until the hook agrees, then 200; nothing is told before, and nothing twice', async () => {
      const { server, calls, hooks } = await hooked({
        finish: () => {
          throw makeError();
        },
      });
      const url = await createUpload(server.url, 5);
      const reply = await patch(url, 0, 'hello');
      expect(reply.status).toBeGreaterThanOrEqual(500);
      expect(reply.text).not.toMatch(/db\.internal/);
      const asked = await head(url);
      expect(asked.status).toBe(423);
      expect(asked.headers['retry-after']).toMatch(/^\d+$/);
      expect(asked.headers).not.toHaveProperty('upload-offset');
      expect((await download(url)).status).toBe(400);
      expect(eventNames(server, url)).toEqual(['created']);

      hooks.finish = undefined;
      const agreed = await head(url);
      expect([agreed.status, agreed.headers['upload-offset'], agreed.headers['upload-length']]).toEqual([
        200,
        '5',
        '5',
      ]);
      expect(calls.finish).toBe(3);
      await head(url);
      await patch(url, 5, '');
      expect(calls.finish).toBe(3);
      expect(eventNames(server, url)).toEqual(['created', 'completed']);
      expect((await download(url)).text).toBe('hello');
    });

    it('an empty PATCH runs the hook again', async () => {
      const { server, hooks } = await hooked({
        finish: () => {
          throw makeError();
        },
      });
      const url = await createUpload(server.url, 5);
      await patch(url, 0, 'hello');
      expect((await patch(url, 5, '')).status).toBeGreaterThanOrEqual(500);
      hooks.finish = () => ({ response: { header: { 'X-Result': '42' } } });
      const reply = await patch(url, 5, '');
      expect([reply.status, reply.headers['x-result']]).toEqual([204, '42']);
      expect(eventNames(server, url)).toEqual(['created', 'completed']);
    });
  });

  it('runs for an empty upload at its creation', async () => {
    const { server, calls } = await hooked({
      finish: () => ({ response: { header: { 'X-Result': '42' } } }),
    });
    const reply = await create(server.url, { 'Upload-Length': '0' });
    expect([reply.status, reply.headers['x-result'], calls.finish]).toEqual([201, '42', 1]);
  });
});

describe('preUploadCreate', () => {
  it('sees the upload and the request before anything exists', async () => {
    let seen: HookEvent | undefined;
    const { server } = await hooked({ create: (event) => void (seen = event) });
    await create(server.url, { 'Upload-Length': '5', 'Upload-Metadata': 'name aGk=', 'X-Tenant': 'a' });
    expect(seen?.upload).toMatchObject({
      size: 5,
      offset: 0,
      sizeIsDeferred: false,
      metaData: { name: 'hi' },
    });
    expect(seen?.httpRequest).toMatchObject({ method: 'POST', uri: '/files/' });
    expect(seen?.httpRequest.header).toMatchObject({ 'x-tenant': 'a' });
    expect(seen?.httpRequest.remoteAddr).toMatch(/^(::ffff:)?127\.0\.0\.1:\d+$/);
  });

  it('refuses with its own status and text; nothing is created, and no event says so', async () => {
    const { server } = await hooked({
      create: () => {
        throw refusal(403, 'quota exceeded');
      },
    });
    const reply = await create(server.url, { 'Upload-Length': '5', Origin: 'https://app.example' });
    expect([reply.status, reply.text, reply.headers['x-why']]).toEqual([403, 'quota exceeded', 'policy']);
    expect(reply.headers['tus-resumable']).toBe('1.0.0');
    expect(reply.headers['access-control-allow-origin']).toBe('https://app.example');
    expect(await server.uploads()).toEqual([]);
    expect(server.events).toEqual([]);
  });

  it('that breaks is a 500 that tells nothing', async () => {
    const { server } = await hooked({ create: () => Promise.reject(new Error('password is hunter2')) });
    const reply = await create(server.url, { 'Upload-Length': '5' });
    expect(reply.status).toBe(500);
    expect(reply.text).not.toMatch(/hunter2/);
    expect(server.complaints.join('\n')).toMatch(/hunter2/);
    expect(await server.uploads()).toEqual([]);
  });

  it('refuses before 100 is sent', async () => {
    const { server } = await hooked({
      create: () => {
        throw refusal(403);
      },
    });
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead('POST', '/files/', {
      'Tus-Resumable': '1.0.0',
      'Content-Type': OFFSET_STREAM,
      'Upload-Length': '5',
      'Content-Length': '5',
      Expect: '100-continue',
    });
    const response = await socket.response();
    expect([response.informational, response.status]).toEqual([[], 403]);
  });

  it('changes the id', async () => {
    const { server } = await hooked({ create: () => ({ changes: { id: 'my.upload_~1' } }) });
    const url = locationOf(server.url, await create(server.url, { 'Upload-Length': '5' }));
    expect(url).toBe(`${server.url}my.upload_~1`);
    await patch(url, 0, 'hello');
    expect((await download(url)).text).toBe('hello');
  });

  it('an id that is taken is 409, and the upload that has it stays', async () => {
    const { server } = await hooked({ create: () => ({ changes: { id: 'taken' } }) });
    const url = await storeUpload(server.url, 'first');
    expect((await create(server.url, { 'Upload-Length': '9' })).status).toBe(409);
    expect((await download(url)).text).toBe('first');
  });

  it.each(['', '..', '.', 'a/b', '../x', 'a b', 'a\r\nX-Injected: yes', 'x'.repeat(129)])(
    'an id that is none (%j) is a 500, and nothing is created',
    async (id) => {
      const { server } = await hooked({ create: () => ({ changes: { id } }) });
      const reply = await create(server.url, { 'Upload-Length': '5' });
      expect(reply.status).toBe(500);
      expect(reply.headers).not.toHaveProperty('x-injected');
      expect(await server.uploads()).toEqual([]);
    },
  );

  it('changes the metadata: HEAD shows the changed one', async () => {
    const { server } = await hooked({ create: () => ({ changes: { metaData: { owner: 'me', flag: '' } } }) });
    const url = await createUpload(server.url, 5, { 'Upload-Metadata': 'name aGk=' });
    const metadata = String((await head(url)).headers['upload-metadata']);
    expect(
      metadata
        .split(',')
        .map((pair) => pair.trim())
        .sort(),
    ).toEqual(['flag', `owner ${base64('me')}`]);
  });

  it('clears the metadata', async () => {
    const { server } = await hooked({ create: () => ({ changes: { metaData: {} } }) });
    const url = await createUpload(server.url, 5, { 'Upload-Metadata': 'name aGk=' });
    expect((await head(url)).headers).not.toHaveProperty('upload-metadata');
  });

  it('sets a smaller limit for this upload', async () => {
    const { server } = await hooked({ create: () => ({ changes: { maxSize: 4 } }) });
    expect((await create(server.url, { 'Upload-Length': '5' })).status).toBe(413);
    const url = await createUpload(server.url, 'deferred');
    expect((await patch(url, 0, 'hello')).status).toBe(413);
    expect((await patch(url, 0, '', { 'Upload-Length': '5' })).status).toBe(413);
    expect((await patch(url, 0, 'hell', { 'Upload-Length': '4' })).status).toBe(204);
  });

  it('keeps a context that later hooks see and no client does', async () => {
    let seen: unknown;
    const { server } = await hooked({
      create: () => ({ changes: { context: { owner: 'secret-owner' } } }),
      finish: ({ upload }) => void (seen = upload.context),
    });
    const created = await create(server.url, { 'Upload-Length': '5' });
    const url = locationOf(server.url, created);
    const replies = [created, await head(url), await patch(url, 0, 'hello'), await download(url)];
    expect(seen).toEqual({ owner: 'secret-owner' });
    for (const { headers, text } of replies)
      expect(JSON.stringify([headers, text])).not.toMatch(/secret-owner/);
  });

  it('adds headers to the 201', async () => {
    const { server } = await hooked({
      create: () => ({ response: { header: { 'X-Upload-Token': 'abc' } } }),
    });
    const reply = await create(server.url, { 'Upload-Length': '5' });
    expect([reply.status, reply.headers['x-upload-token']]).toEqual([201, 'abc']);
    expect(reply.headers.location).toBeDefined();
  });
});

describe('preUploadTerminate', () => {
  it('refuses a DELETE, and the upload stays', async () => {
    const { server } = await hooked({
      terminate: () => {
        throw refusal(403);
      },
    });
    const url = await storeUpload(server.url, 'kept');
    expect((await terminate(url)).status).toBe(403);
    expect((await download(url)).text).toBe('kept');
    expect(eventNames(server, url)).toEqual(['created', 'completed']);
  });

  it('is not asked about an upload that does not exist', async () => {
    const { server, calls } = await hooked({});
    expect((await terminate(new URL('0123456789abcdef0123456789abcdef', server.url).href)).status).toBe(404);
    expect(calls.terminate).toBe(0);
  });
});

describe('events', () => {
  it('tell the life of an upload, progress in between', async () => {
    const server = await startInProcess();
    const url = await createUpload(server.url, 10);
    await patch(url, 0, 'hello');
    await patch(url, 5, 'world');
    await terminate(url);
    expect(eventNames(server, url)).toEqual(['created', 'completed', 'terminated']);
    expect(server.progress(url)).toBe(10);
  });

  it('a listener that throws hurts no upload', async () => {
    const server = await startInProcess();
    const stop = server.handler.events.on('created', () => {
      throw new Error('listener failed');
    });
    expect((await create(server.url, { 'Upload-Length': '5' })).status).toBe(201);
    expect(server.complaints.join('\n')).toMatch(/listener failed/);
    stop();
  });

  it.each([
    ['created', { notifyCreatedUploads: false }],
    ['progress', { notifyUploadProgress: false }],
    ['completed', { notifyCompleteUploads: false }],
    ['terminated', { notifyTerminatedUploads: false }],
  ])('%s can be turned off', async (name, config) => {
    const server = await startInProcess(config);
    const url = await storeUpload(server.url, 'hello');
    await terminate(url);
    const names = new Set(server.events.map((event) => event.name));
    expect([
      ...['completed', 'created', 'progress', 'terminated'].filter((each) => !names.has(each as never)),
    ]).toEqual([name]);
  });

  it('stopUpload ends the running request and the upload', async () => {
    const server = await startInProcess();
    server.handler.events.on('progress', ({ upload }) =>
      upload.stopUpload({ statusCode: 403, body: 'enough' }),
    );
    const url = await createUpload(server.url, 10);
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead('PATCH', new URL(url).pathname, {
      'Tus-Resumable': '1.0.0',
      'Content-Type': OFFSET_STREAM,
      'Upload-Offset': '0',
      'Content-Length': '10',
    });
    await socket.send('hello');
    const response = await socket.response();
    expect([response.status, response.body.toString()]).toEqual([403, 'enough']);
    expect([404, 410]).toContain((await head(url)).status);
    await eventually('news of the end', () => eventNames(server, url).includes('terminated'));
  });
});

describe('metrics', () => {
  it('count requests, uploads, bytes and errors', async () => {
    const server = await startInProcess();
    const url = await createUpload(server.url, 5);
    await patch(url, 0, 'hello');
    await patch(url, 3, '');
    await terminate(url);
    const { metrics } = server.handler;
    expect([metrics.uploadsCreated, metrics.uploadsFinished, metrics.uploadsTerminated]).toEqual([1, 1, 1]);
    expect(metrics.bytesReceived).toBe(5);
  });
});
