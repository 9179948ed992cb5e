import { RedisLocker } from '@nestjs-tus/redis-locker';
import { MemoryStore, TusModule } from 'nestjs-tus';
import { eventually } from '../harness/eventually.js';
import { on, openPatch, storedInFile } from '../harness/open-patch.js';
import { randomContent, randomNumbers, sha256 } from '../harness/random-content.js';
import type { RawSocket } from '../harness/raw-socket.js';
import { type ServerProcess, startServer } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { createUpload, download, head, offsetOf, patch, type Reply } from '../harness/tus-requests.js';
import { closeApps, startApp } from '../nest/apps/start-app.js';
import { type RedisServers, startRedis } from './redis-servers.js';

/** The lease of the server's locker, in milliseconds. */
const LEASE_MS = 10_000;

let redis: RedisServers;
let uploadDir: string;
let a: ServerProcess;
let b: ServerProcess;

const start = () =>
  startServer({ uploadDir, flags: ['--locker', 'redis', '--redis-url', String(redis.options.url)] });

beforeAll(async () => {
  redis = await startRedis('single');
  uploadDir = await temporaryFolder();
  [a, b] = await Promise.all([start(), start()]);
});

async function expectSame(url: string, content: Buffer): Promise<void> {
  for (const server of [a, b]) {
    const reply = await download(on(server.url, url));
    expect([reply.status, sha256(reply.body)]).toEqual([200, sha256(content)]);
  }
}

/** A PATCH in A that has stored some bytes, and goes on. */
async function receiving(content: Buffer, stored: number): Promise<{ url: string; socket: RawSocket }> {
  const url = await createUpload(a.url, content.length);
  const socket = await openPatch(url, { offset: 0, length: content.length });
  await socket.send(content.subarray(0, stored));
  await storedInFile(uploadDir, url, stored);
  return { url, socket };
}

/** What the client of an interrupted request gets: an answer, or the end of its connection. */
async function outcomeOf(socket: RawSocket): Promise<number | undefined> {
  return socket.response().then(
    ({ status }) => status,
    () => undefined,
  );
}

/** What HEAD answers once it is something else than "locked": never a 5xx, for which clients forget an upload. */
function unlockedHead(url: string): Promise<Reply> {
  return eventually(
    'HEAD is no longer answered 423',
    async () => {
      const reply = await head(url);
      expect([200, 423]).toContain(reply.status);
      return reply.status === 200 ? reply : undefined;
    },
    3 * LEASE_MS,
  );
}

describe('two servers, one folder, one Redis', () => {
  it('keep every file intact when each request goes to either', async () => {
    const uploadOne = async (name: string) => {
      const random = randomNumbers(name);
      const either = (url: string) => on((random() < 0.5 ? a : b).url, url);
      const content = randomContent(name, 100_000 + Math.floor(random() * 200_000));
      const url = await createUpload((random() < 0.5 ? a : b).url, content.length);
      for (let offset = 0; offset < content.length; offset = await offsetOf(either(url))) {
        const length = Math.min(content.length - offset, 1 + Math.floor(random() * 100_000));
        const chunk = content.subarray(offset, offset + length);
        if (random() < 0.6) {
          // A PATCH that was cut before may begin only now, after the HEAD that told the offset.
          expect([204, 400, 409]).toContain((await patch(either(url), offset, chunk)).status);
          continue;
        }
        const socket = await openPatch(either(url), { offset, length });
        await socket.send(chunk.subarray(0, Math.floor(random() * length)));
        if (random() < 0.5) socket.reset();
      }
      await expectSame(url, content);
    };
    await Promise.all(Array.from({ length: 12 }, (_, number) => uploadOne(`redis ${number}`)));
  }, 120_000);

  it('go on when the one that holds an upload is killed', async () => {
    const content = randomContent('killed', 300_000);
    const { url } = await receiving(content, 100_000);
    await a.stop('SIGKILL');
    const elsewhere = on(b.url, url);
    expect((await unlockedHead(elsewhere)).headers['upload-offset']).toBe('100000');
    expect((await patch(elsewhere, 100_000, content.subarray(100_000))).status).toBe(204);
    a = await start();
    await expectSame(url, content);
  });

  it('let nothing count that a server writes which was paused beyond its lease', async () => {
    const content = randomContent('paused', 300_000);
    const { url, socket } = await receiving(content, 100_000);
    a.signal('SIGSTOP');
    try {
      await socket.send(Buffer.alloc(50_000, 'X'));
      const elsewhere = on(b.url, url);
      expect((await unlockedHead(elsewhere)).headers['upload-offset']).toBe('100000');
      expect((await patch(elsewhere, 100_000, content.subarray(100_000, 120_000))).status).toBe(204);
      a.signal('SIGCONT');
      await socket.send(Buffer.alloc(150_000, 'X'));
      expect(await outcomeOf(socket)).not.toBe(204);
      expect(await offsetOf(elsewhere)).toBe(120_000);
      expect((await patch(url, 120_000, content.subarray(120_000))).status).toBe(204);
      await expectSame(url, content);
    } finally {
      a.signal('SIGCONT');
    }
  });

  it('stop a running upload when Redis is gone, refuse others as what passes, and go on when it is back', async () => {
    const content = randomContent('no Redis', 300_000);
    const { url, socket } = await receiving(content, 100_000);
    const idle = await createUpload(b.url, 5);
    await redis.signal('SIGKILL');
    expect([503, undefined]).toContain(await outcomeOf(socket));
    for (const server of [a, b]) {
      const refusal = await head(on(server.url, url));
      expect(refusal.status).toBe(423);
      expect(refusal.headers['retry-after']).toBeDefined();
      expect((await patch(on(server.url, idle), 0, 'hello')).status).toBe(503);
    }
    await redis.start();
    expect(Number((await unlockedHead(on(b.url, url))).headers['upload-offset'])).toBe(100_000);
    expect((await patch(url, 100_000, content.subarray(100_000))).status).toBe(204);
    expect((await patch(on(a.url, idle), 0, 'hello')).status).toBe(204);
    await expectSame(url, content);
    expect(a.stdout() + a.stderr()).toContain('Redis answers again');
  });
});

describe('a server that starts before its Redis', () => {
  it('is ready, refuses as what passes, and works when Redis is there', async () => {
    const url = await createUpload(b.url, 5);
    await redis.signal('SIGKILL');
    const early = await start();
    expect((await head(on(early.url, url))).status).toBe(423);
    expect((await patch(on(early.url, url), 0, 'hello')).status).toBe(503);
    await redis.start();
    await unlockedHead(on(early.url, url));
    expect((await patch(on(early.url, url), 0, 'hello')).status).toBe(204);
    expect((await early.stop()).code).toBe(0);
  });
});

describe('an app of its own', () => {
  afterEach(closeApps);

  it('takes the locker by a provider recipe, and closes it with itself', async () => {
    const locker = new RedisLocker({ url: redis.options.url, prefix: 'app' });
    const { app, url } = await startApp({
      imports: [
        TusModule.forRoot({
          store: { useFactory: () => new MemoryStore() },
          locker: { useFactory: () => locker },
        }),
      ],
    });
    const upload = await createUpload(`${url}/files`, 5);
    expect((await patch(upload, 0, 'hello')).status).toBe(204);
    expect(await redis.ask(['EXISTS', `app:last:{${new URL(upload).pathname.split('/').at(-1)}}`])).toBe(1);
    await app.close();
    await expect(locker.newLock('upload').tryLock()).rejects.toMatchObject({ status: 503 });
  });
});
