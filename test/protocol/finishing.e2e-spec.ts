import { eventNames, hooked, refusal } from '../harness/hooked-server.js';
import {
  create,
  createUpload,
  download,
  head,
  OFFSET_STREAM,
  patch,
  terminate,
} from '../harness/tus-requests.js';

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
