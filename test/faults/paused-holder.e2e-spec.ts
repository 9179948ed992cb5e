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
const LENGTH = 300_000;
/** Stored by the holder before it is paused; what follows lies in its socket, and comes when it wakes up. */
const STORED = 100_000;
const UNREAD = 150_000;

let a: ServerProcess;
let b: ServerProcess;

/** An upload that A is receiving when it is paused, and what happens to it on B meanwhile. */
interface Held {
  /** What A's client has sent, and goes on sending. */
  readonly sent: Buffer;
  readonly headers?: Record<string, string>;
  /** What somebody does on B while A is paused. `url` is B's. */
  meanwhile(url: string): Promise<void>;
  /** What holds on either server when A has woken up and read the rest of its client's body. */
  afterwards(url: string): Promise<void>;
}

const right = randomContent('right', LENGTH);
/** The right bytes, and then others: none of these may ever be seen. */
const stale = Buffer.concat([right.subarray(0, STORED), Buffer.alloc(LENGTH - STORED, 'X')]);

async function expectContent(url: string, content: Buffer): Promise<void> {
  const reply = await download(url);
  expect([reply.status, sha256(reply.body)]).toEqual([200, sha256(content)]);
}

async function append(url: string, content: Buffer, start: number, end = LENGTH): Promise<void> {
  expect((await patch(url, start, content.subarray(start, end))).status).toBe(204);
}

/** Sends what is missing, if anything is, and compares. */
async function completeAndCompare(url: string, content: Buffer, offset: number): Promise<void> {
  if ((await offsetOf(url)) < LENGTH) {
    expect(await offsetOf(url)).toBe(offset);
    await append(url, content, offset);
  }
  await expectContent(url, content);
}

const CASES: Record<string, Held> = {
  'finished meanwhile': {
    sent: stale,
    async meanwhile(url) {
      expect(await offsetOf(url)).toBe(STORED);
      await append(url, right, STORED);
    },
    afterwards: (url) => expectContent(url, right),
  },
  'continued meanwhile': {
    sent: stale,
    meanwhile: (url) => append(url, right, STORED, 120_000),
    afterwards: (url) => completeAndCompare(url, right, 120_000),
  },
  'only looked at meanwhile': {
    sent: stale,
    meanwhile: async (url) => expect(await offsetOf(url)).toBe(STORED),
    afterwards: (url) => completeAndCompare(url, right, STORED),
  },
  'a chunk with a checksum, replaced meanwhile': {
    sent: stale,
    headers: { 'Upload-Checksum': `sha1 ${createHash('sha1').update(stale).digest('base64')}` },
    async meanwhile(url) {
      expect(await offsetOf(url)).toBe(0);
      await append(url, right, 0, 200_000);
    },
    afterwards: (url) => completeAndCompare(url, right, 200_000),
  },
  'terminated meanwhile': {
    sent: stale,
    meanwhile: async (url) => expect((await terminate(url)).status).toBe(204),
    afterwards: async (url) => expect([404, 410]).toContain((await head(url)).status),
  },
};

/** The status that the client of a paused server gets in the end, or that its connection was closed. */
function outcomeOf(socket: RawSocket): Promise<number | 'closed'> {
  return socket.response().then(
    ({ status }) => status,
    () => 'closed' as const,
  );
}

describe('a holder that is paused', () => {
  const urls = new Map<string, string>();
  const outcomes = new Map<string, number | 'closed'>();
  let elapsed: number;
  let processorTime: number;

  beforeAll(async () => {
    const uploadDir = await temporaryFolder();
    const start = () => startServer({ uploadDir, flags: ['--locker', 'file'] });
    [a, b] = await Promise.all([start(), start()]);
    const sockets = new Map<string, RawSocket>();
    for (const [name, { sent, headers }] of Object.entries(CASES)) {
      const url = await createUpload(a.url, LENGTH);
      const socket = await openPatch(url, { offset: 0, length: LENGTH, headers });
      await socket.send(sent.subarray(0, STORED));
      await storedInFile(uploadDir, url, STORED);
      urls.set(name, url);
      sockets.set(name, socket);
    }

    a.signal('SIGSTOP');
    for (const [name, { sent }] of Object.entries(CASES)) {
      await sockets.get(name)?.send(sent.subarray(STORED, UNREAD));
    }
    const started = performance.now();
    const before = await cpuTimeOf(b.pid);
    const waiting = Promise.all(
      Object.entries(CASES).map(([name, { meanwhile }]) => meanwhile(on(b.url, urls.get(name) ?? ''))),
    );
    // All wait for the paused one now: what is measured is two seconds of that.
    await pause(2_000);
    processorTime = (await cpuTimeOf(b.pid)) - before;
    await waiting;
    elapsed = performance.now() - started;

    a.signal('SIGCONT');
    for (const [name, { sent }] of Object.entries(CASES)) {
      const socket = sockets.get(name);
      await socket?.send(sent.subarray(UNREAD));
      if (socket) outcomes.set(name, await outcomeOf(socket));
    }
  }, 60_000);

  it('loses its locks after five seconds, and nobody spins until then', () => {
    expect(elapsed).toBeGreaterThan(PAUSED_HOLDER_MS - 1_500);
    expect(elapsed).toBeLessThan(2 * PAUSED_HOLDER_MS);
    expect(processorTime).toBeLessThan(700);
  });

  it.each(Object.entries(CASES))('woken, it changes nothing: %s', async (name, { afterwards }) => {
    expect(outcomes.get(name)).toBeDefined();
    expect(outcomes.get(name)).not.toBe(204);
    for (const server of [a, b]) await afterwards(on(server.url, urls.get(name) ?? ''));
  });
});
