import { setTimeout as pause } from 'node:timers/promises';
import { cpuTimeOf } from '../harness/linux-process.js';
import { openPatch, storedInFile } from '../harness/open-patch.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import type { RawSocket } from '../harness/raw-socket.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { startProxy } from '../harness/tcp-proxy.js';
import { createUpload, download, offsetOf, patch, terminate } from '../harness/tus-requests.js';

const LENGTH = 2_000_000;
const ARRIVED = 700_000;
/** It takes milliseconds. The bound only tells that from waiting for a time-out, the shortest of which is longer; the machine may be busy. */
const SOON_MS = 4_000;

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer();
});

/** A client that has sent a part of its body, and whose network then went away without a word. */
async function halfOpen(content: Buffer): Promise<{ url: string; socket: RawSocket }> {
  const proxy = await startProxy(server.port);
  const url = await createUpload(server.url, LENGTH);
  const socket = await openPatch(proxy.through(url), { offset: 0, length: LENGTH });
  await socket.send(content.subarray(0, ARRIVED));
  await storedInFile(server.uploadDir, url, ARRIVED);
  proxy.stall();
  return { url, socket };
}

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; elapsed: number }> {
  const start = performance.now();
  const value = await work();
  return { value, elapsed: performance.now() - start };
}

describe('a half-open client that holds a PATCH', () => {
  const content = randomContent('half-open', LENGTH);

  it('a HEAD from a new connection is answered at once, with every byte that arrived', async () => {
    const { url } = await halfOpen(content);
    const { value, elapsed } = await timed(() => offsetOf(url));
    expect(value).toBe(ARRIVED);
    expect(elapsed).toBeLessThan(SOON_MS);
    const finishing = await timed(() => patch(url, ARRIVED, content.subarray(ARRIVED)));
    expect(finishing.value.status).toBe(204);
    expect(finishing.elapsed).toBeLessThan(SOON_MS);
    expect(sha256((await download(url)).body)).toBe(sha256(content));
  });

  it('a PATCH from a new connection goes on at once', async () => {
    const { url } = await halfOpen(content);
    const { value, elapsed } = await timed(() => patch(url, ARRIVED, content.subarray(ARRIVED)));
    expect(value.status).toBe(204);
    expect(elapsed).toBeLessThan(SOON_MS);
    expect(sha256((await download(url)).body)).toBe(sha256(content));
  });

  it('a PATCH that begins before what is stored interrupts nobody', async () => {
    const url = await createUpload(server.url, LENGTH);
    const socket = await openPatch(url, { offset: 0, length: LENGTH });
    await socket.send(content.subarray(0, ARRIVED));
    await storedInFile(server.uploadDir, url, ARRIVED);
    const late = await patch(url, 0, content.subarray(0, ARRIVED));
    expect(late.status).toBe(409);
    expect(Number(late.headers['upload-offset'])).toBe(ARRIVED);
    await socket.send(content.subarray(ARRIVED));
    expect((await socket.response()).status).toBe(204);
    expect(sha256((await download(url)).body)).toBe(sha256(content));
  });

  it('a DELETE from a new connection goes on at once', async () => {
    const { url } = await halfOpen(content);
    const { value, elapsed } = await timed(() => terminate(url));
    expect(value.status).toBe(204);
    expect(elapsed).toBeLessThan(SOON_MS);
  });

  it('nothing spins while it holds, whether somebody came or not', async () => {
    for (const visit of [() => Promise.resolve(0), offsetOf]) {
      const { url } = await halfOpen(content);
      await visit(url);
      const before = await cpuTimeOf(server.pid);
      // A second of nothing to do is what is measured here.
      await pause(1_000);
      expect((await cpuTimeOf(server.pid)) - before).toBeLessThan(300);
    }
  });
});
