import { type AddressInfo, createServer } from 'node:net';
import { ErrFileLocked, ErrStorageUnavailable } from '@nestjs-tus/core';
import { RedisLocker } from './redis-locker.js';

const ignore = () => undefined;
const never = () => new AbortController().signal;

/** A port on which no server listens any more. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('RedisLocker without Redis', () => {
  it('refuses with 503, and logs the outage once', async () => {
    const lines: string[] = [];
    const logger = { warn: (line: string) => void lines.push(line), log: ignore };
    const locker = new RedisLocker({ url: `redis://127.0.0.1:${await deadPort()}`, logger });
    try {
      const refusals = await Promise.allSettled([
        locker.connect(),
        locker.newLock('upload').tryLock(),
        locker.newLock('upload').lock(never(), ignore),
        locker.newLock('other').lock(never(), ignore),
      ]);
      for (const refusal of refusals) {
        expect(refusal).toMatchObject({ reason: { code: ErrStorageUnavailable.code, status: 503 } });
      }
      expect(lines).toEqual([expect.stringMatching(/Redis does not answer.*ECONNREFUSED/)]);
      await locker.newLock('upload').unlock();
    } finally {
      await locker.close();
    }
  });

  it('refuses when a server accepts the connection and says nothing', async () => {
    const silent = createServer((socket) => socket.on('error', ignore).resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    const locker = new RedisLocker({ url: `redis://127.0.0.1:${port}`, commandTimeout: 200 });
    try {
      await expect(locker.newLock('upload').tryLock()).rejects.toMatchObject({
        code: ErrStorageUnavailable.code,
      });
      const impatient = locker.newLock('upload').lock(AbortSignal.timeout(1), ignore);
      await expect(impatient).rejects.toMatchObject({ code: ErrFileLocked.code });
    } finally {
      await locker.close();
      await new Promise((resolve) => silent.close(resolve));
    }
  });

  it('refuses everything once it is closed', async () => {
    const locker = new RedisLocker();
    await locker.close();
    await expect(locker.newLock('upload').tryLock()).rejects.toMatchObject({
      code: ErrStorageUnavailable.code,
    });
    await locker.close();
  });
});
