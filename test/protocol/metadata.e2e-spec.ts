import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { rawExchange } from '../harness/raw-socket.js';
import { create, createUpload, download, head, storeUpload } from '../harness/tus-requests.js';
import { base64 } from '../harness/wire-values.js';

let server: InProcessServer;
beforeAll(async () => {
  server = await startInProcess();
});

const POST_FIELDS = { 'Tus-Resumable': '1.0.0', 'Content-Length': '0', 'Upload-Length': '5' };

describe('Upload-Metadata', () => {
  it.each([
    ['a pair', 'filename d29ybGQ='],
    ['pairs in their order', 'z eg==,a YQ==,m bQ=='],
    ['a key without a value', 'is_confidential'],
    ['keys without a value, with and without a space', 'a ,b,c YQ=='],
    ['a value that is no UTF-8', 'raw /w=='],
    ['a value with a NUL', `nul ${base64('a\0b')}`],
    ['a value with every byte', `all ${base64(Uint8Array.from({ length: 256 }, (_, byte) => byte))}`],
    ['Unicode', `name ${base64('Übergröße 🙂 名前')}`],
    ['keys that objects have by themselves', '__proto__ YQ==,constructor Yg==,toString Yw=='],
    ['keys that differ in case', 'name YQ==,Name Yg=='],
    ['odd keys', 'a/b;c="d" YQ==,!#$%&* Yg=='],
  ])('CR7, CR8: %s comes back byte for byte', async (_, value) => {
    const { response } = await rawExchange(server.port, 'POST', '/files/', {
      ...POST_FIELDS,
      'Upload-Metadata': value,
    });
    expect(response.status).toBe(201);
    const path = new URL(response.header('location') ?? '', server.url).pathname;
    const asked = await rawExchange(server.port, 'HEAD', path, { 'Tus-Resumable': '1.0.0' });
    expect(asked.response.header('upload-metadata')).toBe(value);
  });

  it.each([
    ['no base64', 'name !!!'],
    ['base64 for URLs', 'name _-8='],
    ['base64 with too much padding', 'name YQ==='],
    ['base64 that is cut', 'name Y'],
    ['a key twice', 'name YQ==,name Yg=='],
    ['a key twice, once without a value', 'name,name YQ=='],
    ['an empty key in front', ',name YQ=='],
    ['an empty key at the end', 'name YQ==,'],
    ['an empty key in between', 'a YQ==,,b Yg=='],
    ['two spaces', 'name  YQ=='],
    ['three words', 'name YQ== Yg=='],
  ])('CR7: %s (%j) is 400, and nothing is created', async (_, value) => {
    const before = (await server.uploads()).length;
    const { response } = await rawExchange(server.port, 'POST', '/files/', {
      ...POST_FIELDS,
      'Upload-Metadata': value,
    });
    expect(response.status).toBe(400);
    expect(response.body.toString()).toMatch(/^ERR_INVALID_METADATA: /);
    expect(await server.uploads()).toHaveLength(before);
  });

  it('CR7: an empty header is no metadata', async () => {
    const { response } = await rawExchange(server.port, 'POST', '/files/', {
      ...POST_FIELDS,
      'Upload-Metadata': '',
    });
    expect(response.status).toBe(201);
    const url = new URL(response.header('location') ?? '', server.url).href;
    expect((await head(url)).headers).not.toHaveProperty('upload-metadata');
  });

  it('the largest header is allowed, one byte more is 400, and nothing is created', async () => {
    const limited = await startInProcess({ maxMetadataSize: 100 });
    const largest = `${'k'.repeat(3)} ${base64('x'.repeat(72))}`;
    expect(largest).toHaveLength(100);
    expect((await create(limited.url, { 'Upload-Length': '5', 'Upload-Metadata': largest })).status).toBe(
      201,
    );
    const reply = await create(limited.url, { 'Upload-Length': '5', 'Upload-Metadata': `k${largest}` });
    expect(reply.status).toBe(400);
    expect(reply.text).toMatch(/^ERR_METADATA_TOO_LARGE: /);
    expect(await limited.uploads()).toHaveLength(1);
  });

  it('is limited to 8 KiB by default', async () => {
    const reply = await create(server.url, {
      'Upload-Length': '5',
      'Upload-Metadata': `name ${base64('x'.repeat(64 * 1024))}`,
    });
    expect(reply.status).toBe(400);
    expect(reply.text).toMatch(/^ERR_METADATA_TOO_LARGE: /);
  });

  it.each([
    ['CR and LF', 'a\r\nX-Injected: yes\r\n\r\nbody'],
    ['quotes and backslashes', 'a".txt\\";x="y'],
    ['a path', '../../etc/passwd'],
    ['NUL', 'a\0b.txt'],
    ['right-to-left override', 'txt.\u202egnp'],
    ['only control characters', '\r\n\t'],
    ['six kilobytes', 'n'.repeat(6_000)],
  ])('CR9: a file name with %s cannot leave its parameter', async (_, filename) => {
    const url = await storeUpload(server.url, 'content', {
      'Upload-Metadata': `filename ${base64(filename)}`,
    });
    const { response } = await rawExchange(server.port, 'GET', new URL(url).pathname, {});
    expect([response.status, response.body.toString()]).toEqual([200, 'content']);
    expect(response.header('x-injected')).toBeUndefined();
    const disposition = response.header('content-disposition') ?? '';
    expect(disposition).toMatch(
      /^attachment(; ?filename="(?:[^"\\\u0000-\u001f]|\\.)*"(; ?filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]*)?)?$/,
    );
    expect(disposition).not.toContain('..');
    expect(disposition).not.toMatch(/%[01][0-9A-F]/i);
  });

  it.each([
    ['CR and LF', 'text/plain\r\nX-Injected: yes'],
    ['no type', 'nonsense'],
    ['a comma', 'text/plain, text/html'],
  ])('CR9: a file type with %s is not served as such', async (_, filetype) => {
    const url = await storeUpload(server.url, 'content', {
      'Upload-Metadata': `filetype ${base64(filetype)}`,
    });
    const { response } = await rawExchange(server.port, 'GET', new URL(url).pathname, {});
    expect(response.status).toBe(200);
    expect(response.header('x-injected')).toBeUndefined();
    expect(response.header('content-type')).toBe('application/octet-stream');
    expect(response.header('content-disposition')).toMatch(/^attachment/);
  });

  it('is shown decoded in events', async () => {
    const url = await createUpload(server.url, 5, { 'Upload-Metadata': `name ${base64('名前')},flag` });
    const created = server.events.find(
      ({ name, event }) => name === 'created' && url.endsWith(event.upload.id),
    );
    expect(created?.event.upload.metaData).toEqual({ name: '名前', flag: '' });
  });

  it('of a finished upload is still there', async () => {
    const url = await storeUpload(server.url, 'content', { 'Upload-Metadata': 'a YQ==' });
    await download(url);
    expect((await head(url)).headers['upload-metadata']).toBe('a YQ==');
  });
});
