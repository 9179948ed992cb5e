import { readdir } from 'node:fs/promises';
import { rawExchange, chunked, RawSocket } from '../harness/raw-socket.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { createUpload, download, offsetOf, OFFSET_STREAM, patch } from '../harness/tus-requests.js';
import { base64, NOT_A_NUMBER_OF_BYTES } from '../harness/wire-values.js';

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer({ flags: ['--max-size', '1MiB'] });
});

type Fields = Record<string, string | string[]>;

const TUS = { 'Tus-Resumable': '1.0.0' };
const POST: Fields = { ...TUS, 'Upload-Length': '10', 'Content-Length': '0' };
const PATCH: Fields = { ...TUS, 'Content-Type': OFFSET_STREAM, 'Upload-Offset': '0', 'Content-Length': '5' };
const ID = '0123456789abcdef0123456789abcdef';

/** The names of everything in the upload folder: an upload has files of its own. */
const stored = async () => (await readdir(server.uploadDir, { recursive: true })).sort();

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => field !== name));
}

/** A clear error: below 500, with a code and a text, and Tus-Resumable; and the server is as well as before. */
async function expectRefusal(
  { response, socket }: Awaited<ReturnType<typeof rawExchange>>,
  statuses: readonly number[],
): Promise<void> {
  expect(statuses).toContain(response.status);
  expect(response.body.toString()).toMatch(/^ERR_[A-Z_]+: \S/);
  expect(response.header('tus-resumable')).toBe('1.0.0');
  await expectFate(socket, response.header('connection'));
}

/** A small body is drained and the connection goes on, or the answer says that it ends, and it ends. */
async function expectFate(socket: RawSocket, connection: string | undefined): Promise<void> {
  if (connection === 'close') {
    await socket.closed();
    return;
  }
  await socket.sendHead('OPTIONS', '/files/', {});
  expect((await socket.response()).status).toBe(200);
  socket.destroy();
}

describe('a bad creation is refused, and nothing is stored', () => {
  const rows: [string, number[], Fields][] = [
    ...NOT_A_NUMBER_OF_BYTES.map(([what, value]): [string, number[], Fields] => [
      `Upload-Length: ${what}`,
      [400],
      { ...POST, 'Upload-Length': value },
    ]),
    ['no length', [400], without(POST, 'Upload-Length')],
    ['both lengths', [400], { ...POST, 'Upload-Defer-Length': '1' }],
    ['Upload-Length twice', [400], { ...POST, 'Upload-Length': ['10', '11'] }],
    ['Upload-Defer-Length: 0', [400], { ...without(POST, 'Upload-Length'), 'Upload-Defer-Length': '0' }],
    [
      'Upload-Defer-Length: true',
      [400],
      { ...without(POST, 'Upload-Length'), 'Upload-Defer-Length': 'true' },
    ],
    ['above the limit', [413], { ...POST, 'Upload-Length': '1048577' }],
    ['no version', [412], without(POST, 'Tus-Resumable')],
    ['an old version', [412], { ...POST, 'Tus-Resumable': '0.2.2' }],
    ['a version twice', [412], { ...POST, 'Tus-Resumable': ['1.0.0', '0.2.2'] }],
    ['metadata that is no base64', [400], { ...POST, 'Upload-Metadata': 'name ???' }],
    ['metadata with a key twice', [400], { ...POST, 'Upload-Metadata': ['name YQ==', 'name Yg=='] }],
    ['oversize metadata', [400], { ...POST, 'Upload-Metadata': `name ${base64('x'.repeat(9_000))}` }],
    ['Upload-Concat: nonsense', [400], { ...POST, 'Upload-Concat': 'nonsense' }],
    ['Upload-Concat: final of nothing', [400], { ...POST, 'Upload-Concat': 'final;' }],
    ['Upload-Concat: an unknown upload', [400, 404], { ...POST, 'Upload-Concat': `final;/files/${ID}` }],
    ...[
      '/files/../../etc/passwd',
      '/files/..',
      '/files/%2e%2e%2fsecret',
      '/etc/passwd',
      'file:///etc/passwd',
    ].map((url): [string, number[], Fields] => [
      `Upload-Concat: ${url}`,
      [400, 404],
      { ...without(POST, 'Upload-Length'), 'Upload-Concat': `final;${url}` },
    ]),
  ];

  it.each(rows)('%s', async (_, statuses, fields) => {
    const before = await stored();
    await expectRefusal(await rawExchange(server.port, 'POST', '/files/', fields), statuses);
    expect(await stored()).toEqual(before);
  });

  it('a body longer than the upload, by Content-Length', async () => {
    const before = await stored();
    const fields = { ...POST, 'Content-Type': OFFSET_STREAM, 'Content-Length': '11' };
    await expectRefusal(await rawExchange(server.port, 'POST', '/files/', fields, 'elevenbytes'), [413]);
    expect(await stored()).toEqual(before);
  });

  it('a body longer than the upload, chunked', async () => {
    const before = await stored();
    const fields = {
      ...without(POST, 'Content-Length'),
      'Content-Type': OFFSET_STREAM,
      'Transfer-Encoding': 'chunked',
    };
    await expectRefusal(
      await rawExchange(server.port, 'POST', '/files/', fields, chunked(['eleven', 'bytes'])),
      [413],
    );
    expect(await stored()).toEqual(before);
  });
});

describe('a bad PATCH is refused, and nothing of it is stored', () => {
  const rows: [string, number[], Fields][] = [
    ...NOT_A_NUMBER_OF_BYTES.map(([what, value]): [string, number[], Fields] => [
      `Upload-Offset: ${what}`,
      [400],
      { ...PATCH, 'Upload-Offset': value },
    ]),
    ['no offset', [400], without(PATCH, 'Upload-Offset')],
    ['another offset', [409], { ...PATCH, 'Upload-Offset': '3' }],
    ['Upload-Offset twice', [400], { ...PATCH, 'Upload-Offset': ['0', '0'] }],
    ['no type', [400], without(PATCH, 'Content-Type')],
    ['another type', [400], { ...PATCH, 'Content-Type': 'application/json' }],
    ['no version', [412], without(PATCH, 'Tus-Resumable')],
    ['an old version', [412], { ...PATCH, 'Tus-Resumable': '0.2.2' }],
    ['another Upload-Length', [400], { ...PATCH, 'Upload-Length': '11' }],
    ['Upload-Length: a word', [400], { ...PATCH, 'Upload-Length': 'ten' }],
    ['an unknown checksum', [400], { ...PATCH, 'Upload-Checksum': 'sha3 YWJj' }],
    ['a malformed checksum', [400], { ...PATCH, 'Upload-Checksum': 'sha1' }],
    ['a wrong checksum', [460], { ...PATCH, 'Upload-Checksum': 'crc32 AAAAAA==' }],
    ['a checksum twice', [400], { ...PATCH, 'Upload-Checksum': ['crc32 AAAAAA==', 'crc32 AAAAAA=='] }],
  ];

  it.each(rows)('%s', async (_, statuses, fields) => {
    const url = await createUpload(server.url, 10);
    await expectRefusal(
      await rawExchange(server.port, 'PATCH', new URL(url).pathname, fields, 'hello'),
      statuses,
    );
    expect(await offsetOf(url)).toBe(0);
  });

  it('a body longer than the upload, by Content-Length', async () => {
    const url = await createUpload(server.url, 10);
    const fields = { ...PATCH, 'Content-Length': '11' };
    await expectRefusal(
      await rawExchange(server.port, 'PATCH', new URL(url).pathname, fields, 'elevenbytes'),
      [413],
    );
    expect(await offsetOf(url)).toBe(0);
  });

  it('a body longer than the upload, chunked: nothing beyond the length', async () => {
    const url = await createUpload(server.url, 10);
    const fields = { ...without(PATCH, 'Content-Length'), 'Transfer-Encoding': 'chunked' };
    await expectRefusal(
      await rawExchange(server.port, 'PATCH', new URL(url).pathname, fields, chunked(['eleven', 'bytes'])),
      [413],
    );
    const reply = await download(url);
    if (reply.status === 200) expect(reply.text).toBe('elevenbyte');
    else expect(await offsetOf(url)).toBeLessThan(10);
  });
});

describe('paths', () => {
  const targets = [
    '/files/..',
    '/files/../../etc/passwd',
    '/files/%2e%2e/%2e%2e/etc/passwd',
    '/files/..%2f..%2fetc%2fpasswd',
    '/files/a%00b',
    '/files/a%0d%0aX-Injected:%20yes',
    '/files/.info',
    `/files/${ID}.info`,
    `/files/${'a'.repeat(300)}`,
    '/files/%',
    '//files/a',
  ];

  it.each(['HEAD', 'PATCH', 'GET', 'DELETE'])('%s of what is no upload is a clear 4xx', async (method) => {
    for (const target of targets) {
      const { response, socket } = await rawExchange(
        server.port,
        method,
        target,
        without(PATCH, 'Content-Length'),
      );
      socket.destroy();
      expect([target, Math.floor(response.status / 100)]).toEqual([target, 4]);
      expect(response.header('x-injected')).toBeUndefined();
    }
  });

  it('the info file of an upload is no upload', async () => {
    const url = await createUpload(server.url, 10);
    for (const suffix of ['.info', '.lock', '.part', '~']) {
      expect((await download(`${url}${suffix}`)).status).toBe(404);
    }
  });
});

describe('header injection', () => {
  it('metadata cannot add a header to a download', async () => {
    const evil = base64('a\r\nX-Injected: yes\r\n\r\n<html>');
    const url = await createUpload(server.url, 5, { 'Upload-Metadata': `filename ${evil},filetype ${evil}` });
    await patch(url, 0, 'hello');
    const { response } = await rawExchange(server.port, 'GET', new URL(url).pathname, {});
    expect([response.status, response.body.toString()]).toEqual([200, 'hello']);
    expect(response.header('x-injected')).toBeUndefined();
  });

  it('a Host cannot put anything into Location', async () => {
    const fields = { ...POST, Host: 'evil.example/path?"<script>' };
    const { response } = await rawExchange(server.port, 'POST', '/files/', fields);
    if (response.status === 201) expect(response.header('location')).toMatch(/^\/files\/[0-9a-f]{32}$/);
    else expect(response.status).toBe(400);
  });
});

describe('framing', () => {
  const rows: [string, string][] = [
    ['both Content-Length and chunked', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'],
    ['a negative length', 'Content-Length: -5\r\n\r\nhello'],
    ['a length that is no number', 'Content-Length: five\r\n\r\nhello'],
    ['a chunk size that is no number', 'Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n'],
    ['a space before the colon', 'Content-Length : 5\r\n\r\nhello'],
    ['a folded header', 'Content-Length: 5\r\nX-Folded: a\r\n b\r\n\r\nhello'],
  ];

  it.each(rows)('%s: refused, or read as one body; the connection ends', async (_, rest) => {
    const url = await createUpload(server.url, 10);
    const socket = await RawSocket.connect(server.port);
    const head = [
      `PATCH ${new URL(url).pathname} HTTP/1.1`,
      `Host: 127.0.0.1:${server.port}`,
      'Tus-Resumable: 1.0.0',
      `Content-Type: ${OFFSET_STREAM}`,
      'Upload-Offset: 0',
      rest,
    ].join('\r\n');
    await socket.send(head);
    const response = await socket.response();
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    await socket.closed();
    expect(await offsetOf(url)).toBe(0);
  });

  it('headers beyond the limit are 431, and the connection ends', async () => {
    const fields = { ...POST, 'X-Large': 'x'.repeat(200_000) };
    const { response, socket } = await rawExchange(server.port, 'POST', '/files/', fields);
    expect(response.status).toBe(431);
    await socket.closed();
  });
});

it('the server is alive and has complained of nothing', async () => {
  expect(await offsetOf(await createUpload(server.url, 10))).toBe(0);
  expect(server.stderr()).toBe('');
});
