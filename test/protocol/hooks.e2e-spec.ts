import type { HookEvent } from '@nestjs-tus/core';
import { eventNames, hooked, refusal } from '../harness/hooked-server.js';
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
