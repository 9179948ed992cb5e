import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { cpuTimeOf } from '../harness/linux-process.js';
import { on, openPatch, storedInFile } from '../harness/open-patch.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import type { RawSocket } from '../harness/raw-socket.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { createUpload, download, head, offsetOf, patch, terminate } from '../harness/tus-requests.js';

/** How long a holder may ignore a release request before it loses the lock. */
const PAUSED_HOLDER_MS = 5_000;

let uploadDir: string;
let a: ServerProcess;
let b: ServerProcess;

beforeAll(async () => {
  uploadDir = await temporaryFolder();
  const start = () => startServer({ uploadDir, flags: ['--locker', 'file'] });
  [a, b] = await Promise.all([start(), start()]);
});

async function expectSame(url: string, content: Buffer): Promise<void> {
  for (const server of [a, b]) {
    const reply = await download(on(server.url, url));
    expect([reply.status, sha256(reply.body)]).toEqual([200, sha256(content)]);
  }
}

describe('a holder that is paused', () => {
  /** A PATCH in A that has stored some bytes and has more in its socket; then A stops. */
  async function pausedWhileReceiving(
    content: Buffer,
    stored: number,
    unread: Buffer,
    headers: Record<string, string> = {},
  ) {
    const url = await createUpload(a.url, content.length);
    const socket = await openPatch(url, { offset: 0, length: content.length, headers });
    await socket.send(content.subarray(0, stored));
    await storedInFile(uploadDir, url, stored);
    a.signal('SIGSTOP');
    await socket.send(unread);
    return { url, socket };
  }

  afterEach(() => a.signal('SIGCONT'));

  it('loses the lock after five seconds; woken, it changes nothing that was finished meanwhile', async () => {
    const content = randomContent('paused holder', 300_000);
    const { url, socket } = await pausedWhileReceiving(content, 100_000, Buffer.alloc(50_000, 'X'));
    const started = performance.now();
    const asking = offsetOf(on(b.url, url));
    const before = await cpuTimeOf(b.pid);
    // While the other waits for the paused one: nothing spins.
    await pause(2_000);
    expect((await cpuTimeOf(b.pid)) - before).toBeLessThan(500);
    expect(await asking).toBe(100_000);
    const elapsed = performance.now() - started;
    expect(elapsed).toBeGreaterThan(PAUSED_HOLDER_MS - 1_500);
    expect(elapsed).toBeLessThan(2 * PAUSED_HOLDER_MS);
    expect((await patch(on(b.url, url), 100_000, content.subarray(100_000))).status).toBe(204);

    a.signal('SIGCONT');
    await socket.send(Buffer.alloc(150_000, 'X'));
    expect(await outcomeOf(socket)).not.toBe(204);
    await expectSame(url, content);
    expect(await offsetOf(on(a.url, url))).toBe(content.length);
  });

  it('woken, it changes nothing of an upload that is still being received', async () => {
    const content = randomContent('paused holder, unfinished', 300_000);
    const { url, socket } = await pausedWhileReceiving(content, 100_000, Buffer.alloc(50_000, 'X'));
    expect((await patch(on(b.url, url), 100_000, content.subarray(100_000, 120_000))).status).toBe(204);

    a.signal('SIGCONT');
    await socket.send(Buffer.alloc(150_000, 'X'));
    expect(await outcomeOf(socket)).not.toBe(204);
    expect(await offsetOf(on(a.url, url))).toBe(120_000);
    expect((await patch(on(a.url, url), 120_000, content.subarray(120_000))).status).toBe(204);
    await expectSame(url, content);
  });

  it('woken, it changes nothing of an upload that somebody has only looked at', async () => {
    const content = randomContent('paused holder, looked at', 300_000);
    const { url, socket } = await pausedWhileReceiving(content, 100_000, Buffer.alloc(50_000, 'X'));
    expect(await offsetOf(on(b.url, url))).toBe(100_000);

    a.signal('SIGCONT');
    await socket.send(Buffer.alloc(150_000, 'X'));
    expect(await outcomeOf(socket)).not.toBe(204);
    for (const server of [a, b]) expect(await offsetOf(on(server.url, url))).toBe(100_000);
    expect((await patch(on(b.url, url), 100_000, content.subarray(100_000))).status).toBe(204);
    await expectSame(url, content);
  });

  it('woken in the middle of a chunk with a checksum, it verifies nothing', async () => {
    const content = randomContent('paused holder, checksum', 300_000);
    const checksum = createHash('sha1').update(content).digest('base64');
    const { url, socket } = await pausedWhileReceiving(content, 100_000, content.subarray(100_000, 150_000), {
      'Upload-Checksum': `sha1 ${checksum}`,
    });
    expect(await offsetOf(on(b.url, url))).toBe(0);
    const other = randomContent('another content', 300_000);
    expect((await patch(on(b.url, url), 0, other.subarray(0, 200_000))).status).toBe(204);

    a.signal('SIGCONT');
    await socket.send(content.subarray(150_000));
    expect(await outcomeOf(socket)).not.toBe(204);
    for (const server of [a, b]) expect(await offsetOf(on(server.url, url))).toBe(200_000);
    expect((await patch(on(a.url, url), 200_000, other.subarray(200_000))).status).toBe(204);
    await expectSame(url, other);
  });

  it('woken, it does not bring back what was terminated meanwhile', async () => {
    const content = randomContent('paused holder, terminated', 300_000);
    const { url, socket } = await pausedWhileReceiving(content, 100_000, Buffer.alloc(50_000, 'X'));
    expect((await terminate(on(b.url, url))).status).toBe(204);
    a.signal('SIGCONT');
    await socket.send(Buffer.alloc(150_000, 'X'));
    expect(await outcomeOf(socket)).not.toBe(204);
    for (const server of [a, b]) expect([404, 410]).toContain((await head(on(server.url, url))).status);
  });
});

/** The status that the client of a paused server gets in the end, or that its connection was closed. */
function outcomeOf(socket: RawSocket): Promise<number | 'closed'> {
  return socket.response().then(
    ({ status }) => status,
    () => 'closed' as const,
  );
}
