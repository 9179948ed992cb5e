import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { rawExchange } from '../harness/raw-socket.js';
import {
  create,
  createUpload,
  download,
  extensionsOf,
  head,
  locationOf,
  offsetOf,
} from '../harness/tus-requests.js';
import { NOT_A_NUMBER_OF_BYTES } from '../harness/wire-values.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess({ maxSize: 1_000 });
});

const POST_FIELDS = { 'Tus-Resumable': '1.0.0', 'Content-Length': '0' };

async function expectNothingCreated(ask: () => Promise<void>): Promise<void> {
  const before = (await server.uploads()).length;
  await ask();
  expect(await server.uploads()).toHaveLength(before);
}

describe('creation', () => {
  it('CR1: is announced', async () => {
    expect(await extensionsOf(server.url)).toContain('creation');
  });

  it.each(NOT_A_NUMBER_OF_BYTES)(
    'C2: an Upload-Length that is %s (%j) is 400 and creates nothing',
    async (_, value) => {
      await expectNothingCreated(async () => {
        const { response } = await rawExchange(server.port, 'POST', '/files/', {
          ...POST_FIELDS,
          'Upload-Length': value,
        });
        expect(response.status).toBe(400);
        expect(response.body.toString()).toMatch(/^ERR_INVALID_UPLOAD_LENGTH: /);
      });
    },
  );

  it('C2: an Upload-Length that is sent twice is 400 and creates nothing', async () => {
    await expectNothingCreated(async () => {
      const fields = { ...POST_FIELDS, 'Upload-Length': ['5', '5'] };
      expect((await rawExchange(server.port, 'POST', '/files/', fields)).response.status).toBe(400);
    });
  });

  it.each([
    ['neither length', {}, 'ERR_INVALID_UPLOAD_LENGTH'],
    ['both lengths', { 'Upload-Length': '5', 'Upload-Defer-Length': '1' }, 'ERR_AMBIGUOUS_UPLOAD_LENGTH'],
  ])('CR2: %s is 400 and creates nothing', async (_, headers, code) => {
    await expectNothingCreated(async () => {
      const reply = await create(server.url, headers);
      expect(reply.status).toBe(400);
      expect(reply.text).toMatch(new RegExp(`^${code}: `));
    });
  });

  it.each(['0', 'true', '2', '', '1, 1', '01'])('CR3: Upload-Defer-Length: %j is 400', async (value) => {
    await expectNothingCreated(async () => {
      const { response } = await rawExchange(server.port, 'POST', '/files/', {
        ...POST_FIELDS,
        'Upload-Defer-Length': value,
      });
      expect(response.status).toBe(400);
    });
  });

  it('CR4: answers 201 without a body, and a Location that is the upload', async () => {
    const { response } = await rawExchange(server.port, 'POST', '/files/', {
      ...POST_FIELDS,
      'Upload-Length': '5',
    });
    expect(response.status).toBe(201);
    expect(response.body).toHaveLength(0);
    const url = new URL(response.header('location') ?? '', server.url);
    expect(url.origin + url.pathname).toMatch(new RegExp(`^${server.url}[0-9a-f]{32}$`));
    expect((await head(url.href)).status).toBe(200);
  });

  it('CR4: each upload has its own Location', async () => {
    const urls = await Promise.all(Array.from({ length: 20 }, () => createUpload(server.url, 5)));
    expect(new Set(urls).size).toBe(20);
  });

  it('CR5: the largest size is allowed, one byte more is 413 and creates nothing', async () => {
    expect((await create(server.url, { 'Upload-Length': '1000' })).status).toBe(201);
    await expectNothingCreated(async () => {
      const reply = await create(server.url, { 'Upload-Length': '1001' });
      expect(reply.status).toBe(413);
      expect(reply.text).toMatch(/^ERR_MAX_SIZE_EXCEEDED: /);
    });
  });

  it('CR6: an empty upload is complete at once, and completed once', async () => {
    const url = await createUpload(server.url, 0);
    const { status, headers } = await head(url);
    expect([status, headers['upload-offset'], headers['upload-length']]).toEqual([200, '0', '0']);
    expect((await download(url)).body).toHaveLength(0);
    await head(url);
    const completed = server.events.filter(
      ({ name, event }) => name === 'completed' && url.endsWith(event.upload.id),
    );
    expect(completed).toHaveLength(1);
  });

  it('CR10: begins at offset 0', async () => {
    expect(await offsetOf(await createUpload(server.url, 5))).toBe(0);
  });

  it('reports the creation once, with what is known', async () => {
    const reply = await create(server.url, { 'Upload-Length': '5', 'Upload-Metadata': 'name aGk=' });
    const id = locationOf(server.url, reply).split('/').at(-1);
    const created = server.events.filter(({ name, event }) => name === 'created' && event.upload.id === id);
    expect(created).toHaveLength(1);
    expect(created[0]?.event.upload).toMatchObject({ size: 5, offset: 0, metaData: { name: 'hi' } });
    expect(created[0]?.event.httpRequest).toMatchObject({ method: 'POST', uri: '/files/' });
  });
});
