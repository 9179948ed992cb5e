import { startInProcess } from '../harness/in-process-server.js';
import { startServer } from '../harness/server-process.js';
import {
  create,
  createUpload,
  download,
  head,
  options,
  patch,
  send,
  storeUpload,
  terminate,
  type Reply,
  type RequestHeaders,
} from '../harness/tus-requests.js';

const ORIGIN = 'https://app.example.com';
const FROM_APP = { Origin: ORIGIN };

const PLACES = [
  ['the engine', () => startInProcess({ cors: { allowOrigin: /https:\/\/app\.example\.com/ } })],
  ['the server', () => startServer({ flags: ['--cors-allow-origin', 'https://app\\.example\\.com'] })],
] as const;

const listOf = (reply: Reply, name: string) => String(reply.headers[name]).split(', ');

describe.each(PLACES)('CORS, %s', (_where, start) => {
  let server: { readonly url: string };
  beforeAll(async () => {
    server = await start();
  });
  const unknown = () => new URL('0123456789abcdef0123456789abcdef', server.url).href;

  const answers: [string, (headers: RequestHeaders) => Promise<Reply>][] = [
    ['201', (headers) => create(server.url, { ...headers, 'Upload-Length': '5' })],
    ['204', async (headers) => patch(await createUpload(server.url, 5), 0, 'hello', headers)],
    ['200 to HEAD', async (headers) => head(await createUpload(server.url, 5), headers)],
    ['200 to GET', async (headers) => download(await storeUpload(server.url, 'hello'), headers)],
    ['204 to DELETE', async (headers) => terminate(await createUpload(server.url, 5), headers)],
    ['400', (headers) => create(server.url, headers)],
    ['404', (headers) => head(unknown(), headers)],
    ['405', (headers) => send('PUT', server.url, { ...headers, 'Tus-Resumable': '1.0.0' })],
    ['409', async (headers) => patch(await createUpload(server.url, 5), 3, 'lo', headers)],
    ['412', (headers) => create(server.url, { ...headers, 'Tus-Resumable': '0.2.2', 'Upload-Length': '5' })],
    ['413', async (headers) => patch(await createUpload(server.url, 4), 0, 'hello', headers)],
    [
      '460',
      async (headers) =>
        patch(await createUpload(server.url, 5), 0, 'hello', {
          ...headers,
          'Upload-Checksum': 'crc32 AAAAAA==',
        }),
    ],
  ];

  it.each(answers)('a script may read the answer %s', async (status, ask) => {
    const reply = await ask(FROM_APP);
    expect(reply.status).toBe(Number.parseInt(status, 10));
    expect(reply.headers['access-control-allow-origin']).toBe(ORIGIN);
    expect(reply.headers.vary).toMatch(/Origin/i);
    expect(listOf(reply, 'access-control-expose-headers')).toEqual(
      expect.arrayContaining([
        'Upload-Offset',
        'Location',
        'Upload-Length',
        'Tus-Version',
        'Tus-Resumable',
        'Tus-Max-Size',
        'Tus-Extension',
        'Upload-Metadata',
        'Upload-Defer-Length',
        'Upload-Concat',
        'Upload-Expires',
        'Retry-After',
      ]),
    );
  });

  it.each(answers)('an answer %s to no other origin has no such header', async (_, ask) => {
    const reply = await ask({});
    expect(reply.headers).not.toHaveProperty('access-control-allow-origin');
    expect(reply.headers).not.toHaveProperty('access-control-expose-headers');
  });

  it('a preflight is told methods and headers', async () => {
    const reply = await options(server.url, {
      ...FROM_APP,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'tus-resumable,upload-length',
    });
    expect([200, 204]).toContain(reply.status);
    expect(reply.headers['access-control-allow-origin']).toBe(ORIGIN);
    expect(listOf(reply, 'access-control-allow-methods').sort()).toEqual(
      ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST'].sort(),
    );
    expect(listOf(reply, 'access-control-allow-headers')).toEqual(
      expect.arrayContaining([
        'Authorization',
        'Content-Type',
        'Tus-Resumable',
        'Upload-Length',
        'Upload-Offset',
        'Upload-Metadata',
        'Upload-Defer-Length',
        'Upload-Concat',
        'Upload-Checksum',
        'X-HTTP-Method-Override',
        'X-Request-ID',
      ]),
    );
    expect(reply.headers['access-control-max-age']).toBe('86400');
    expect(reply.headers['tus-version']).toBe('1.0.0');
  });

  it.each([
    'https://app.example.com.evil.io',
    'https://evil.io/https://app.example.com',
    'http://app.example.com',
    'https://appXexample.com',
    'null',
  ])('the origin %s is refused: the pattern has to match all of it', async (origin) => {
    const reply = await create(server.url, { Origin: origin, 'Upload-Length': '5' });
    expect(reply.status).toBe(403);
    expect(reply.text).toMatch(/^ERR_ORIGIN_NOT_ALLOWED: /);
    expect(reply.headers).not.toHaveProperty('access-control-allow-origin');
    expect((await options(server.url, { Origin: origin })).status).toBe(403);
    expect(reply.headers).not.toHaveProperty('location');
  });
});

describe('CORS options', () => {
  it('credentials are allowed only where that was asked for', async () => {
    const open = await startInProcess();
    expect((await options(open.url, FROM_APP)).headers).not.toHaveProperty(
      'access-control-allow-credentials',
    );
    const trusting = await startInProcess({
      cors: { allowCredentials: true, allowOrigin: /https:\/\/app\.example\.com/ },
    });
    const reply = await options(trusting.url, FROM_APP);
    expect(reply.headers['access-control-allow-credentials']).toBe('true');
    expect(reply.headers['access-control-allow-origin']).toBe(ORIGIN);
  });

  it('every origin is allowed by default', async () => {
    const open = await startInProcess();
    const reply = await create(open.url, { Origin: 'http://localhost:5173', 'Upload-Length': '5' });
    expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([
      201,
      'http://localhost:5173',
    ]);
  });

  it.each([{ cors: { disable: true } }, { disableCors: true }])(
    '%j: reads and writes no such header',
    async (config) => {
      const silent = await startInProcess(config);
      const reply = await create(silent.url, { Origin: 'https://anything.example', 'Upload-Length': '5' });
      expect(reply.status).toBe(201);
      const names = Object.keys(reply.headers).filter((name) => name.startsWith('access-control-'));
      expect(names).toEqual([]);
    },
  );
});
