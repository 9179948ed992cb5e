import { on, openPatch, storedInFile } from '../harness/open-patch.js';
import { randomContent, randomNumbers, sha256 } from '../harness/random-content.js';
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

/** Half of what a paused holder is waited for: one that is dead is not taken for paused. */
const SOON_MS = 4_000;

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

  it('a request to the other process makes a running one let go at once', async () => {
    const content = randomContent('handed over', 500_000);
    const url = await createUpload(a.url, content.length);
    const socket = await openPatch(url, { offset: 0, length: content.length });
    await socket.send(content.subarray(0, 200_000));
    await storedInFile(uploadDir, url, 200_000);
    const started = performance.now();
    expect(await offsetOf(on(b.url, url))).toBe(200_000);
    expect(performance.now() - started).toBeLessThan(4_000);
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
    expect(performance.now() - started).toBeLessThan(SOON_MS);
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

async function settled(answer: ReturnType<typeof patch>): Promise<number> {
  // A client that is told to stop while it still sends may see its connection closed.
  return answer.then(
    ({ status }) => status,
    () => 0,
  );
}
