import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rawExchange } from '../harness/raw-socket.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';

const LONG = 110_000;

describe('the fields of a draft creation that are kept', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServer({ flags: ['--enable-experimental-protocol'] });
  });

  const creation = (headers: Record<string, string>) =>
    rawExchange(
      server.port,
      'POST',
      '/files/',
      { 'Upload-Draft-Interop-Version': '8', 'Upload-Complete': '?0', 'Content-Length': '0', ...headers },
      '',
    );
  const infos = async () => (await readdir(server.uploadDir)).filter((name) => name.endsWith('.info'));

  it.each([
    ['Repr-Digest', `sha-256=:${'A'.repeat(LONG)}=:`],
    ['Repr-Digest', `unknown=:${'A'.repeat(LONG)}=:`],
    ['Want-Repr-Digest', `sha-256=1, ${'a'.repeat(LONG)}=2`],
    ['Content-Disposition', `attachment; filename="${'a'.repeat(LONG)}"`],
    ['Content-Disposition', `attachment; filename*=UTF-8''${'%41'.repeat(LONG / 4)}`],
    ['Content-Type', `text/plain; a="${'a'.repeat(LONG)}"`],
    ['Content-Encoding', Array.from({ length: 20_000 }, () => 'gzip').join(',')],
    ['Content-Language', Array.from({ length: 30_000 }, () => 'en').join(',')],
    ['Upload-Metadata', `name ${Buffer.alloc(60_000).toString('base64')}`],
  ])('are refused when %s is too long, and nothing is kept', async (name, value) => {
    const before = await infos();
    const { response } = await creation({ [name]: value });
    expect(response.status).toBe(400);
    expect(JSON.parse(response.body.toString())).toMatchObject({ code: 'ERR_METADATA_TOO_LARGE' });
    expect(await infos()).toEqual(before);
  });

  it('are refused when they are too long together', async () => {
    const part = 'a'.repeat(3_000);
    const { response } = await creation({
      'Content-Type': `text/plain; a="${part}"`,
      'Content-Disposition': `attachment; filename="${part}"`,
      'Repr-Digest': `unknown=:${part}=:`,
    });
    expect(response.status).toBe(400);
  });

  it('are taken within the limit, and the info stays small', async () => {
    const { response } = await creation({
      'Content-Type': `text/plain; a="${'a'.repeat(4_000)}"`,
      'Content-Disposition': `attachment; filename="${'b'.repeat(4_000)}"`,
    });
    expect(response.status).toBe(201);
    for (const name of await infos()) {
      expect((await readFile(join(server.uploadDir, name))).length).toBeLessThan(24 * 1024);
    }
  });
});
