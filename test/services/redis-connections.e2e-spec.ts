import { randomUUID } from 'node:crypto';
import { ErrStorageUnavailable } from '@nestjs-tus/core';
import type { RedisLocker, RedisLockerOptions } from '@nestjs-tus/redis-locker';
import { createClient } from 'redis';
import { eventually, within } from '../harness/eventually.js';
import { startProxy, type TcpProxy } from '../harness/tcp-proxy.js';
import { held, heldAgain, nobody, openLocker, PATIENCE_MS, request } from './redis-lockers.js';
import { type RedisServers, startRedis } from './redis-servers.js';

/** Long enough for its third, after which a waiter asks again, not to be taken for a message that was heard. */
const LONG_LEASE_MS = 300_000;
const LEASE_MS = 3_000;
const COMMAND_TIMEOUT_MS = 1_000;

let redis: RedisServers;
let other: RedisServers;
let proxy: TcpProxy;
let options: RedisLockerOptions;

beforeAll(async () => {
  [redis, other] = await Promise.all([startRedis('single'), startRedis('single')]);
});
beforeEach(async () => {
  proxy = await startProxy(redis.port);
  options = {
    url: `redis://127.0.0.1:${proxy.port}`,
    prefix: `connections-${randomUUID()}`,
    leaseDuration: LEASE_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
  };
});

afterEach(() => proxy.close());

/** The port from which the only connection for messages comes, as the server sees it. */
async function portOfMessages(): Promise<number> {
  return eventually('one connection for messages', async () => {
    const found = [...(await redis.ask(['CLIENT', 'LIST', 'TYPE', 'pubsub'])).matchAll(/ addr=\S+:(\d+) /g)];
    return found.length === 1 ? Number(found[0]![1]) : undefined;
  });
}

describe('RedisLocker whose server', () => {
  it('became a replica, while its name leads to another master, goes there', async () => {
    const locker = openLocker(options);
    await (await held(locker, 'upload')).unlock();
    // A name in the DNS, or a virtual address, of a service that fails over: connections that are open stay where they are.
    proxy.to(other.port);
    await redis.ask(['REPLICAOF', '127.0.0.1', String(other.port)]);
    try {
      await expect(locker.newLock('upload').tryLock()).rejects.toMatchObject({
        code: ErrStorageUnavailable.code,
      });
      const lock = await heldAgain(locker, 'upload');
      expect(lock.seized).toBe(true);
      const { asked, requestRelease } = request();
      const second = await held(locker, 'second', requestRelease);
      const waiting = held(openLocker({ ...options, url: other.options.url }), 'second');
      await within('the holder is asked', asked, PATIENCE_MS);
      await second.unlock();
      await (await waiting).unlock();
    } finally {
      await redis.ask(['REPLICAOF', 'NO', 'ONE']);
    }
  });

  it('fell silent for good on connections that nobody closes is reached by new ones', async () => {
    const locker = openLocker(options);
    await (await held(locker, 'upload')).unlock();
    proxy.stall();
    await (await heldAgain(locker, 'upload')).unlock();
    const { asked, requestRelease } = request();
    const lock = await held(locker, 'upload', requestRelease);
    const waiting = held(openLocker({ ...options, url: redis.options.url }), 'upload');
    await within('the holder is asked', asked, PATIENCE_MS);
    await lock.unlock();
    await (await waiting).unlock();
  });
});

describe('RedisLocker whose answers are lost', () => {
  it('keeps no lock that it does not know of: it lets go of it over another connection', async () => {
    options = { ...options, leaseDuration: LONG_LEASE_MS };
    const [locker, beside] = [openLocker(options), openLocker({ ...options, url: redis.options.url })];
    // Redis has to know the scripts.
    for (const each of [locker, beside]) await (await held(each, 'other')).unlock();
    proxy.mute();
    const refused = locker.newLock('upload').tryLock();
    await eventually('Redis has given it the lock', async () =>
      redis.ask(['EXISTS', `${options.prefix}:lock:{upload}`]).then(Number),
    );
    await expect(refused).rejects.toMatchObject({ code: ErrStorageUnavailable.code });
    await (await held(beside, 'upload')).unlock();
    await (await heldAgain(locker, 'upload')).unlock();
  });

  it('goes on with a lock whose renewal it did not hear of', async () => {
    const locker = openLocker({ ...options, leaseDuration: 10_000 });
    const lock = await held(locker, 'upload');
    proxy.mute();
    await expect(lock.isHeld!()).rejects.toMatchObject({ code: ErrStorageUnavailable.code });
    expect(await eventually('it answers', () => lock.isHeld!().catch(() => undefined))).toBe(true);
    expect(lock.lost!.aborted).toBe(false);
    await lock.unlock();
  });
});

describe('RedisLocker whose connection for messages', () => {
  /** A holder through the proxy, and a locker beside it. */
  async function holding(locker: RedisLocker) {
    const { asked, requestRelease } = request();
    const lock = await held(locker, 'upload', requestRelease);
    return { asked, lock, beside: openLocker({ ...options, url: redis.options.url }) };
  }

  it('fell silent hears messages again', async () => {
    options = { ...options, leaseDuration: LONG_LEASE_MS };
    const { asked, lock, beside } = await holding(openLocker(options));
    proxy.stall(await portOfMessages());
    const waiting = held(beside, 'upload');
    await within('the holder is asked', asked, PATIENCE_MS);
    await lock.unlock();
    await (await waiting).unlock();
  });

  it('was away when somebody asked hears of it when it is back', async () => {
    options = { ...options, leaseDuration: LONG_LEASE_MS };
    const { asked, lock, beside } = await holding(openLocker(options));
    const port = await portOfMessages();
    proxy.refuse(true);
    await redis.ask(['CLIENT', 'KILL', 'ADDR', `127.0.0.1:${port}`]);
    const waiting = held(beside, 'upload');
    await eventually('it waits', async () =>
      redis.ask(['EXISTS', `${options.prefix}:waiting:{upload}`]).then(Number),
    );
    proxy.refuse(false);
    await within('the holder is asked', asked, PATIENCE_MS);
    await lock.unlock();
    await (await waiting).unlock();
  });

  it('is cut again and again costs nobody more than the time of the cuts', async () => {
    options = { ...options, leaseDuration: LONG_LEASE_MS };
    const [one, two] = [openLocker(options), openLocker(options)];
    let handOvers = 0;
    const cutting = setInterval(() => void redis.ask(['CLIENT', 'KILL', 'TYPE', 'pubsub']), 20);
    try {
      const run = async (locker: RedisLocker) => {
        while (handOvers < 40) {
          let letGo = nobody as () => void;
          const asked = new Promise<void>((resolve) => (letGo = resolve));
          const lock = await held(locker, 'upload', letGo);
          handOvers += 1;
          if (handOvers < 40) await asked;
          await lock.unlock();
        }
      };
      await within('40 hand-overs', Promise.all([run(one), run(two)]), PATIENCE_MS);
    } finally {
      clearInterval(cutting);
    }
  });
});

describe('RedisLocker on a client of the app', () => {
  it('closes in time, and never ends the process, while Redis is gone', async () => {
    const client = createClient({ url: options.url });
    const complaints: unknown[] = [];
    client.on('error', (error) => complaints.push(error));
    await client.connect();
    const locker = openLocker({ client, prefix: options.prefix, commandTimeout: COMMAND_TIMEOUT_MS });
    const lock = await held(locker, 'upload');
    proxy.stall();
    await expect(lock.isHeld!()).rejects.toMatchObject({ code: ErrStorageUnavailable.code });
    await within('the locker is closed', locker.close());
    expect(client.isOpen).toBe(true);
    client.destroy();
  });
});
