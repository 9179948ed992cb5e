import { on, openPatch, storedInFile } from '../harness/open-patch.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { RawSocket } from '../harness/raw-socket.js';
import { startServer } from '../harness/server-process.js';
import { startProxy } from '../harness/tcp-proxy.js';
import { createUpload, download, head, offsetOf, patch, storeUpload } from '../harness/tus-requests.js';

/** Well below the default of --shutdown-timeout: nothing here is worth waiting for. */
const DEADLINE_MS = 8_000;

async function timed<T>(work: Promise<T>): Promise<{ value: T; elapsed: number }> {
  const start = performance.now();
  return { value: await work, elapsed: performance.now() - start };
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('with running, idle, half-sent and half-open connections: exit code 0 in time, and truthful offsets', async () => {
    const server = await startServer();
    const content = randomContent('shutdown', 400_000);
    const begin = async (base: string) => {
      const url = await createUpload(server.url, content.length);
      const socket = await openPatch(on(base, url), { offset: 0, length: content.length });
      await socket.send(content.subarray(0, 150_000));
      await storedInFile(server.uploadDir, url, 150_000);
      return { url, socket };
    };
    const running = await begin(server.url);
    const proxy = await startProxy(server.port);
    const halfOpen = await begin(proxy.through(server.url));
    proxy.stall();
    const finished = await storeUpload(server.url, 'finished');

    const silent = await RawSocket.connect(server.port);
    const idle = await RawSocket.connect(server.port);
    await idle.sendHead('OPTIONS', '/files/', {});
    expect((await idle.response()).status).toBe(200);
    const halfSent = await RawSocket.connect(server.port);
    await halfSent.send('PATCH /files/0123 HTTP/1.1\r\nHost: x\r\nUpload-Off');
    const waiting = await createUpload(server.url, 10);
    const noBody = await openPatch(waiting, { offset: 0, length: 10 });

    const { value, elapsed } = await timed(server.stop(signal));
    expect(value).toEqual({ code: 0, signal: null });
    expect(elapsed).toBeLessThan(DEADLINE_MS);
    const response = await running.socket.response();
    expect(response.status).toBe(503);
    expect(response.header('retry-after')).toMatch(/^\d+$/);
    for (const socket of [silent, idle, halfSent, noBody]) await socket.closed();

    const again = await startServer({ uploadDir: server.uploadDir });
    expect(await offsetOf(on(again.url, waiting))).toBe(0);
    expect((await download(on(again.url, finished))).text).toBe('finished');
    for (const { url } of [running, halfOpen]) {
      const resumed = on(again.url, url);
      expect(await offsetOf(resumed)).toBe(150_000);
      expect((await patch(resumed, 150_000, content.subarray(150_000))).status).toBe(204);
      expect(sha256((await download(resumed)).body)).toBe(sha256(content));
    }
    expect(await again.stop(signal)).toEqual({ code: 0, signal: null });
  });

  it('with nothing to do: at once', async () => {
    const server = await startServer();
    const { value, elapsed } = await timed(server.stop(signal));
    expect(value).toEqual({ code: 0, signal: null });
    expect(elapsed).toBeLessThan(DEADLINE_MS / 2);
  });
});

it('a download that nobody reads does not keep the server from ending', async () => {
  const server = await startServer({ flags: ['--shutdown-timeout', '1s'] });
  const url = await storeUpload(server.url, randomContent('unread download', 20_000_000));
  const socket = await RawSocket.connect(server.port);
  await socket.sendHead('GET', new URL(url).pathname, {});
  await socket.message('HEAD');
  socket.socket.pause();
  const { value, elapsed } = await timed(server.stop());
  expect(value).toEqual({ code: 0, signal: null });
  expect(elapsed).toBeLessThan(DEADLINE_MS);
});

it('with a locker that spans processes, the locks of the one that ended block nobody', async () => {
  const flags = ['--locker', 'file'];
  const first = await startServer({ flags });
  const second = await startServer({ flags, uploadDir: first.uploadDir });
  const url = await createUpload(first.url, 10);
  const socket = await openPatch(url, { offset: 0, length: 10 });
  await socket.send('hello');
  await storedInFile(first.uploadDir, url, 5);
  expect(await first.stop()).toEqual({ code: 0, signal: null });
  const started = performance.now();
  const reply = await head(on(second.url, url));
  expect([reply.status, reply.headers['upload-offset']]).toEqual([200, '5']);
  expect(performance.now() - started).toBeLessThan(4_000);
});
