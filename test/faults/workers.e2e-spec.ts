import { Upload } from 'tus-js-client';
import { eventually, within } from '../harness/eventually.js';
import { childrenOf, isRunning } from '../harness/linux-process.js';
import { openPatch, storedInFile } from '../harness/open-patch.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { runServer, startServer, type ServerProcess } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { createUpload, download, offsetOf, patch } from '../harness/tus-requests.js';

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer({ flags: ['--workers', '2', '--locker', 'file'] });
});

describe('--workers 2', () => {
  it('says once that it is ready, and runs two processes besides itself', async () => {
    expect(server.stdout().match(/ready at/g)).toHaveLength(1);
    expect(await childrenOf(server.pid)).toHaveLength(2);
  });

  it('40 uploads over many connections: every file is intact', async () => {
    const uploadOne = async (index: number) => {
      const content = randomContent(`worker ${index}`, 50_000);
      const url = await createUpload(server.url, content.length);
      for (const [start, end] of [
        [0, 20_000],
        [20_000, 50_000],
      ] as const) {
        expect(await offsetOf(url)).toBe(start);
        expect((await patch(url, start, content.subarray(start, end))).status).toBe(204);
      }
      expect(sha256((await download(url)).body)).toBe(sha256(content));
    };
    await Promise.all(Array.from({ length: 40 }, (_, index) => uploadOne(index)));
  });

  it('a HEAD makes a running PATCH let go, whichever worker has it', async () => {
    const content = randomContent('held by a worker', 20_000);
    for (let round = 0; round < 6; round++) {
      const url = await createUpload(server.url, content.length);
      const socket = await openPatch(url, { offset: 0, length: content.length });
      await socket.send(content.subarray(0, 10_000));
      await storedInFile(server.uploadDir, url, 10_000);
      const started = performance.now();
      expect(await offsetOf(url)).toBe(10_000);
      expect(performance.now() - started).toBeLessThan(4_000);
      expect((await patch(url, 10_000, content.subarray(10_000))).status).toBe(204);
      expect(sha256((await download(url)).body)).toBe(sha256(content));
    }
  });

  it('serves a client with parallel parts', async () => {
    const content = randomContent('parallel parts', 4_000_000);
    const url = await new Promise<string>((resolve, reject) => {
      const upload = new Upload(content, {
        endpoint: server.url,
        parallelUploads: 4,
        onSuccess: () => resolve(upload.url ?? ''),
        onError: reject,
      });
      upload.start();
    });
    expect(sha256((await download(url)).body)).toBe(sha256(content));
  });

  it('SIGTERM ends all of them, exit code 0', async () => {
    const workers = await childrenOf(server.pid);
    expect(workers).toHaveLength(2);
    const url = await createUpload(server.url, 10);
    const socket = await openPatch(url, { offset: 0, length: 10 });
    await socket.send('hello');
    await storedInFile(server.uploadDir, url, 5);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect((await socket.response()).status).toBe(503);
    for (const pid of workers)
      await eventually(`the end of worker ${pid}`, async () => !(await isRunning(pid)));
  });

  it.each([
    ['a locker', ['--locker', 'memory']],
    ['a store', ['--locker', 'file', '--store', 'memory']],
  ])('is refused with %s that does not span processes: one clear line, exit code 2', async (_, flags) => {
    const uploadDir = await temporaryFolder();
    const refused = runServer(['--port', '0', '--upload-dir', uploadDir, '--workers', '2', ...flags]);
    expect((await within('the end', refused.exited)).code).toBe(2);
    const said = refused.stderr().trim();
    expect(said.split('\n')).toHaveLength(1);
    expect(said).toMatch(/workers/);
  });
});
