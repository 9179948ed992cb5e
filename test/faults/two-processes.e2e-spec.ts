import { setTimeout as pause } from 'node:timers/promises';
import { cpuTimeOf } from '../harness/linux-process.js';
import { on, openPatch, storedInFile } from '../harness/open-patch.js';
import { randomContent, randomNumbers, sha256 } from '../harness/random-content.js';
import type { RawSocket } from '../harness/raw-socket.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import {
  create,
  createUpload,
  download,
  locationOf,
  offsetOf,
  patch,
  terminate,
  head,
} from '../harness/tus-requests.js';

/** How long a holder may ignore a release request before it loses the lock. */
const PAUSED_HOLDER_MS = 5_000;

let uploadDir: string;
let a: ServerProcess;
let b: ServerProcess;

const start = () => startServer({ uploadDir, flags: ['--locker', 'file'] });

beforeAll(async () => {
  uploadDir = await temporaryFolder();
  [a, b] = await Promise.all([start(), start()]);
});

async function expectSame(url: string, content: Buffer): Promise<void> {
  for (const server of [a, b]) {
    const reply = await download(on(server.url, url));
    expect([reply.status, sha256(reply.body)]).toEqual([200, sha256(content)]);
  }
}

describe('two processes on one folder', () => {
  it('24 uploads, each request to either process, connections cut: every file is intact', async () => {
    const uploadOne = async (name: string) => {
      const random = randomNumbers(name);
      const either = (url: string) => on((random() < 0.5 ? a : b).url, url);
      const content = randomContent(name, 200_000 + Math.floor(random() * 200_000));
      const url = await createUpload((random() < 0.5 ? a : b).url, content.length);
      for (let offset = 0; offset < content.length; offset = await offsetOf(either(url))) {
        const length = Math.min(content.length - offset, 1 + Math.floor(random() * 150_000));
        const chunk = content.subarray(offset, offset + length);
        if (random() < 0.6) {
          // A cut PATCH may begin only now, after the HEAD that told the offset: then it is 409 or 400, and HEAD tells the next one.
          expect([204, 400, 409]).toContain((await patch(either(url), offset, chunk)).status);
          continue;
        }
        const socket = await openPatch(either(url), { offset, length });
        await socket.send(chunk.subarray(0, Math.floor(random() * length)));
        if (random() < 0.5) socket.reset();
      }
      await expectSame(url, content);
    };
    const names = Array.from({ length: 24 }, (_, index) => `spread ${index}`);
    // Some at a time, as clients are.
    const lanes = Array.from({ length: 6 }, async () => {
      for (let name = names.pop(); name; name = names.pop()) await uploadOne(name);
    });
    await Promise.all(lanes);
  }, 60_000);

  it('two PATCHes at the same offset: at most one wins, and the bytes are those of one', async () => {
    for (let round = 0; round < 10; round++) {
      const [ours, theirs] = [
        randomContent(`ours ${round}`, 300_000),
        randomContent(`theirs ${round}`, 300_000),
      ];
      const url = await createUpload(a.url, 300_000);
      const replies = await Promise.all([patch(url, 0, ours), patch(on(b.url, url), 0, theirs)].map(settled));
      expect(replies.filter((status) => status === 204).length).toBeLessThanOrEqual(1);
      expect(replies.filter((status) => status >= 500)).toEqual([]);
      const offset = await offsetOf(url);
      expect(await offsetOf(on(b.url, url))).toBe(offset);
      if (offset < ours.length) expect((await patch(url, offset, ours.subarray(offset))).status).toBe(204);
      const mixed = Buffer.concat([theirs.subarray(0, offset), ours.subarray(offset)]);
      expect([sha256(ours), sha256(mixed)]).toContain(sha256((await download(url)).body));
    }
  });

  it('a request to the other process makes a running one let go, within a second', async () => {
    const content = randomContent('handed over', 500_000);
    const url = await createUpload(a.url, content.length);
    const socket = await openPatch(url, { offset: 0, length: content.length });
    await socket.send(content.subarray(0, 200_000));
    await storedInFile(uploadDir, url, 200_000);
    const started = performance.now();
    expect(await offsetOf(on(b.url, url))).toBe(200_000);
    expect(performance.now() - started).toBeLessThan(1_000);
    expect((await socket.response()).status).toBe(400);
    expect((await patch(on(b.url, url), 200_000, content.subarray(200_000))).status).toBe(204);
    await expectSame(url, content);
  });

  it('a final upload can be made of partials that came to either', async () => {
    const parts = await Promise.all(
      [a, b, a, b].map(async ({ url }, index) => {
        const part = await createUpload(url, 5, { 'Upload-Concat': 'partial' });
        await patch(on((index < 2 ? a : b).url, part), 0, `part${index}`);
        return new URL(part).pathname;
      }),
    );
    const reply = await create(b.url, { 'Upload-Concat': `final;${parts.join(' ')}` });
    await expectSame(locationOf(b.url, reply), Buffer.from('part0part1part2part3'));
  });

  it('an upload that one terminates is gone for the other, which is receiving it', async () => {
    const url = await createUpload(a.url, 10);
    const socket = await openPatch(url, { offset: 0, length: 10 });
    await socket.send('hello');
    await storedInFile(uploadDir, url, 5);
    expect((await terminate(on(b.url, url))).status).toBe(204);
    expect((await socket.response()).status).toBeGreaterThanOrEqual(400);
    for (const server of [a, b]) expect([404, 410]).toContain((await head(on(server.url, url))).status);
  });
});

describe('a holder that is killed', () => {
  it('blocks nobody', async () => {
    const content = randomContent('killed holder', 500_000);
    const url = await createUpload(a.url, content.length);
    const socket = await openPatch(url, { offset: 0, length: content.length });
    await socket.send(content.subarray(0, 200_000));
    await storedInFile(uploadDir, url, 200_000);
    await a.stop('SIGKILL');
    const started = performance.now();
    const offset = await offsetOf(on(b.url, url));
    expect(performance.now() - started).toBeLessThan(PAUSED_HOLDER_MS / 2);
    expect(offset).toBe(200_000);
    expect((await patch(on(b.url, url), offset, content.subarray(offset))).status).toBe(204);
    a = await start();
    await expectSame(url, content);
  });

  it('blocks nobody who was waiting for it', async () => {
    const url = await createUpload(a.url, 10);
    const socket = await openPatch(url, { offset: 0, length: 10 });
    await socket.send('hello');
    await storedInFile(uploadDir, url, 5);
    a.signal('SIGSTOP');
    const asked = offsetOf(on(b.url, url));
    const killed = a.stop('SIGKILL');
    expect(await asked).toBe(5);
    await killed;
    a = await start();
    expect((await patch(on(a.url, url), 5, 'world')).status).toBe(204);
    await expectSame(url, Buffer.from('helloworld'));
  });
});

describe('a holder that is paused', () => {
  /** A PATCH in A that has stored some bytes and has more in its socket; then A stops. */
  async function pausedWhileReceiving(content: Buffer, stored: number, unread: Buffer) {
    const url = await createUpload(a.url, content.length);
    const socket = await openPatch(url, { offset: 0, length: content.length });
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

async function settled(answer: ReturnType<typeof patch>): Promise<number> {
  // A client that is told to stop while it still sends may see its connection closed.
  return answer.then(
    ({ status }) => status,
    () => 0,
  );
}
