import { createHash } from 'node:crypto';
import { on, openPatch, storedInFile } from '../harness/open-patch.js';
import { randomContent, randomNumbers, sha256 } from '../harness/random-content.js';
import { startServer, type ServerOptions, type ServerProcess } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { createUpload, download, head, offsetOf, patch, storeUpload } from '../harness/tus-requests.js';

const KIB = 1024;

const sha1 = (content: Uint8Array) => `sha1 ${createHash('sha1').update(content).digest('base64')}`;

/** A server that is killed and started again on the same folder. */
async function mortal(flags: ServerOptions['flags'] = []) {
  const uploadDir = await temporaryFolder();
  let server: ServerProcess = await startServer({ uploadDir, flags });
  return {
    uploadDir,
    get url() {
      return server.url;
    },
    /** No warning, no chance to tidy up. */
    async killAndRestart() {
      expect(await server.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
      server = await startServer({ uploadDir, flags });
    },
  };
}

type Mortal = Awaited<ReturnType<typeof mortal>>;

interface Round {
  readonly content: Buffer;
  readonly random: () => number;
  readonly verified: boolean;
}

/**
 * One acknowledged PATCH, then one that the server does not survive. What HEAD says afterwards must lie between what was
 * acknowledged and what was sent.
 */
async function surviveKill(
  server: Mortal,
  path: string,
  { content, random, verified }: Round,
): Promise<{ acknowledged: number; offset: number }> {
  const url = on(server.url, path);
  const start = await offsetOf(url);
  const first = content.subarray(start, start + Math.floor(random() * 40 * KIB));
  const acknowledged = start + first.length;
  const reply = await patch(url, start, first, verified ? { 'Upload-Checksum': sha1(first) } : {});
  expect([reply.status, reply.headers['upload-offset']]).toEqual([204, String(acknowledged)]);

  const rest = content.subarray(acknowledged);
  const sent = rest.subarray(0, Math.min(rest.length - 1, Math.floor(random() * 300 * KIB)));
  const headers: Record<string, string> = verified ? { 'Upload-Checksum': sha1(rest) } : {};
  const socket = await openPatch(url, { offset: acknowledged, length: rest.length, headers });
  await socket.send(sent);
  // Sometimes at once, sometimes in the middle of writing, sometimes when everything has arrived.
  const wait = Math.floor(random() * 3) / 2;
  await storedInFile(server.uploadDir, url, acknowledged + Math.floor(wait * sent.length));
  await server.killAndRestart();
  socket.destroy();

  const offset = await offsetOf(on(server.url, path));
  expect(offset).toBeGreaterThanOrEqual(acknowledged);
  expect(offset).toBeLessThanOrEqual(verified ? acknowledged : acknowledged + sent.length);
  return { acknowledged, offset };
}

async function finishAndCompare(server: Mortal, path: string, content: Buffer): Promise<void> {
  const url = on(server.url, path);
  const offset = await offsetOf(url);
  expect((await patch(url, offset, content.subarray(offset))).status).toBe(204);
  expect(sha256((await download(url)).body)).toBe(sha256(content));
}

describe('SIGKILL in the middle of a PATCH', () => {
  it('20 rounds: reports no less than was acknowledged and no more than was sent, and the file is identical', async () => {
    const content = randomContent('twenty rounds', 12_000 * KIB);
    const random = randomNumbers('twenty rounds');
    const server = await mortal();
    const path = await createUpload(server.url, content.length);
    let survivors = 0;
    for (let round = 0; round < 20; round++) {
      const { acknowledged, offset } = await surviveKill(server, path, { content, random, verified: false });
      if (offset > acknowledged) survivors++;
    }
    expect(survivors).toBeGreaterThan(0);
    await finishAndCompare(server, path, content);
  }, 120_000);

  it('with checksums the offset is a verified boundary, and the file is identical', async () => {
    const content = randomContent('verified rounds', 6_000 * KIB);
    const random = randomNumbers('verified rounds');
    const server = await mortal();
    const path = await createUpload(server.url, content.length);
    for (let round = 0; round < 4; round++)
      await surviveKill(server, path, { content, random, verified: true });
    await finishAndCompare(server, path, content);
  }, 60_000);

  it('with and without checksums in turn, and --durability power-loss, the file is identical', async () => {
    const content = randomContent('power-loss rounds', 6_000 * KIB);
    const random = randomNumbers('power-loss rounds');
    const server = await mortal(['--durability', 'power-loss']);
    const path = await createUpload(server.url, content.length);
    for (let round = 0; round < 4; round++) {
      await surviveKill(server, path, { content, random, verified: round % 2 === 1 });
    }
    await finishAndCompare(server, path, content);
  }, 60_000);
});

describe('SIGKILL right after an answer', () => {
  it.each(['crash', 'power-loss'])(
    'everything that was acknowledged is there (--durability %s)',
    async (durability) => {
      const server = await mortal(['--durability', durability]);
      const created = await createUpload(server.url, 10, { 'Upload-Metadata': 'name aGk=' });
      const finished = await storeUpload(server.url, 'finished');
      const deferred = await createUpload(server.url, 'deferred');
      await patch(deferred, 0, 'hello', { 'Upload-Length': '10' });
      await server.killAndRestart();

      const asked = (await head(on(server.url, deferred))).headers;
      expect([asked['upload-offset'], asked['upload-length']]).toEqual(['5', '10']);
      expect((await download(on(server.url, finished))).text).toBe('finished');
      const { headers } = await head(on(server.url, created));
      expect([headers['upload-offset'], headers['upload-length']]).toEqual(['0', '10']);
      expect(headers['upload-metadata']).toBe('name aGk=');
    },
    60_000,
  );
});
