import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ErrFileLocked, ErrStorageUnavailable, type Lock } from '@nestjs-tus/core';
import { RedisLocker, type RedisLockerOptions } from '@nestjs-tus/redis-locker';
import { createClient } from 'redis';
import { eventually, within } from '../harness/eventually.js';
import { startHolder } from './redis-holder.js';
import { held, heldAgain, lost, never, nobody, openLocker, PATIENCE_MS, request } from './redis-lockers.js';
import { type RedisServers, reserveRedis, startRedis, type Topology } from './redis-servers.js';

const LEASE_MS = 3_000;
describe('RedisLocker', () => {
  let redis: RedisServers;
  let options: RedisLockerOptions;

  beforeAll(async () => {
    redis = await startRedis('single');
  });
  beforeEach(() => {
    options = { ...redis.options, prefix: `faults-${randomUUID()}`, leaseDuration: LEASE_MS };
  });

  it('gives the lock of a killed process to the next when the lease is over, as seized', async () => {
    const holder = await startHolder(options, 'upload');
    const locker = openLocker(options);
    const waiting = held(locker, 'upload');
    await holder.said('asked');
    holder.signal('SIGKILL');
    const lock = await waiting;
    expect(lock.seized).toBe(true);
    expect(lock.previousToken).toBe(holder.token);
    expect(lock.token! > holder.token).toBe(true);
  });

  it('takes the lock from a process that is paused beyond its lease; awake, it knows', async () => {
    const holder = await startHolder(options, 'upload');
    holder.signal('SIGSTOP');
    const lock = await held(openLocker(options), 'upload');
    expect(lock.seized).toBe(true);
    holder.signal('SIGCONT');
    holder.tell('isHeld');
    expect(await holder.said('isHeld')).toMatchObject({ held: false });
    await holder.said('lost');
    holder.tell('unlock');
    await holder.said('unlocked');
    expect(await lock.isHeld!()).toBe(true);
    expect(lock.lost!.aborted).toBe(false);
  });

  it('takes the lock from a process whose event loop is blocked beyond its lease; free again, it knows', async () => {
    const holder = await startHolder(options, 'upload');
    holder.tell('block');
    const lock = await held(openLocker(options), 'upload');
    expect(lock.seized).toBe(true);
    expect(lock.previousToken).toBe(holder.token);
    await holder.said('blocked');
    holder.tell('isHeld');
    expect(await holder.said('isHeld')).toMatchObject({ held: false });
    await holder.said('lost');
    holder.tell('unlock');
    await holder.said('unlocked');
    expect(await lock.isHeld!()).toBe(true);
  });

  it('keeps the locks of a holder that lives for many leases', async () => {
    const locker = openLocker({ ...options, leaseDuration: 1_000 });
    const locks = await Promise.all(['a', 'b', 'c'].map((id) => held(locker, id)));
    await pause(3_500);
    for (const lock of locks) expect(await lock.isHeld!()).toBe(true);
    expect(await openLocker(options).newLock('b').tryLock()).toBe(false);
  });

  it('loses its locks when Redis forgets everything; all memories are cold, and tokens go on', async () => {
    const lines: string[] = [];
    const logger = {
      warn: (line: string) => void lines.push(line),
      log: (line: string) => void lines.push(line),
    };
    const [locker, other] = [openLocker({ ...options, logger }), openLocker(options)];
    const before = await held(locker, 'upload');
    await redis.signal('SIGKILL');
    const refusals = await eventually('Redis is gone', async () => {
      const settled = await Promise.allSettled([
        locker.newLock('upload-2').tryLock(),
        held(locker, 'upload-3'),
        held(other, 'upload'),
      ]);
      return settled.every(({ status }) => status === 'rejected') ? settled : undefined;
    });
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ reason: { code: ErrStorageUnavailable.code, status: 503 } });
    }
    await redis.start();
    const after = await heldAgain(other, 'upload');
    await lost(before);
    expect(await before.isHeld!()).toBe(false);
    expect(after.seized).toBe(true);
    expect(after.previousToken).toBeUndefined();
    expect(after.token! > before.token!).toBe(true);
    await before.unlock();
    expect(await after.isHeld!()).toBe(true);
    await eventually('the locker says that Redis is back', () => lines.length === 2);
    expect(lines).toEqual([
      expect.stringContaining('does not answer'),
      expect.stringContaining('answers again'),
    ]);
  });

  it('does not believe an old snapshot that Redis comes back with', async () => {
    const [stale, newest] = [openLocker(options), openLocker(options)];
    const first = await held(stale, 'upload');
    await first.unlock();
    await redis.ask(['SAVE']);
    const second = await held(newest, 'upload');
    expect(second.previousToken).toBe(first.token);
    expect(second.seized).toBe(false);
    await second.unlock();
    await redis.signal('SIGKILL');
    await redis.start();
    const third = await heldAgain(stale, 'upload');
    expect(third.previousToken).toBeUndefined();
    expect(third.seized).toBe(true);
    expect(third.token! > second.token!).toBe(true);
  });

  it('gives up a lock before its lease ends while Redis hangs, and leaves nothing locked by mistake', async () => {
    const locker = openLocker(options);
    const lock = await held(locker, 'upload');
    await redis.signal('SIGSTOP');
    const began = performance.now();
    try {
      await expect(locker.newLock('late').tryLock()).rejects.toMatchObject({
        code: ErrStorageUnavailable.code,
      });
      await expect(lock.isHeld!()).rejects.toMatchObject({ code: ErrStorageUnavailable.code });
      await lost(lock);
      // It was renewed before Redis was stopped. A timer can be late on a busy machine, but Redis is still stopped.
      console.info(
        `lost ${Math.round(performance.now() - began)} ms after Redis hung; the lease is ${LEASE_MS} ms`,
      );
      expect(await lock.isHeld!()).toBe(false);
    } finally {
      await redis.signal('SIGCONT');
    }
    // Redis has taken 'late' in the meantime, for a caller that has long been refused.
    const late = await heldAgain(openLocker(options), 'late');
    expect(await late.isHeld!()).toBe(true);
    await lock.unlock();
    await (await heldAgain(locker, 'upload')).unlock();
  });

  it('hands over by a message, and asks Redis next to nothing while it waits', async () => {
    const [locker, ...others] = [openLocker(options), openLocker(options), openLocker(options)];
    const holder = await held(locker, 'upload');
    const waiting = others.flatMap((other) => Array.from({ length: 20 }, () => held(other, 'upload')));
    await pause(100);
    await redis.ask(['CONFIG', 'RESETSTAT']);
    const leases = 2;
    await pause(leases * LEASE_MS);
    const stats = await redis.ask(['INFO', 'commandstats']);
    const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    console.info(`40 waiters of two processes and a holder made ${calls} calls in ${leases * LEASE_MS} ms`);
    // Each process asks again about every third of a lease, at least every quarter; the holder renews as often.
    expect(calls).toBeLessThanOrEqual((others.length + 1) * 4.5 * leases);

    const times: number[] = [];
    let unlockedAt = performance.now();
    const served = waiting.map(async (promise) => {
      const lock = await promise;
      times.push(performance.now() - unlockedAt);
      unlockedAt = performance.now();
      await lock.unlock();
    });
    await holder.unlock();
    await Promise.all(served);
    times.sort((a, b) => a - b);
    console.info(`hand-over: median ${times[20]!.toFixed(1)} ms, longest ${times.at(-1)!.toFixed(1)} ms`);
  });

  it('serves the waiters of one process in the order of their arrival', async () => {
    const [locker, other] = [openLocker(options), openLocker(options)];
    const holder = await held(other, 'upload');
    const served: number[] = [];
    const waiting = [1, 2, 3, 4].map(async (number) => {
      const lock = await held(locker, 'upload');
      served.push(number);
      await lock.unlock();
    });
    await holder.unlock();
    await Promise.all(waiting);
    expect(served).toEqual([1, 2, 3, 4]);
  });

  it('goes on when its connections are cut while somebody waits', async () => {
    const [locker, other] = [openLocker(options), openLocker(options)];
    const { asked, requestRelease } = request();
    const holder = await held(locker, 'upload', requestRelease);
    await redis.ask(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    const waiting = held(other, 'upload');
    await within('the holder is asked', asked, PATIENCE_MS);
    await holder.unlock();
    expect((await waiting).previousToken).toBe(holder.token);
  });

  it('lets a waiter go when its time is up, and does not take the lock for it later', async () => {
    const [locker, other] = [openLocker(options), openLocker(options)];
    const holder = await held(locker, 'upload');
    await expect(other.newLock('upload').lock(AbortSignal.timeout(200), nobody)).rejects.toMatchObject({
      code: ErrFileLocked.code,
    });
    await holder.unlock();
    await redis.ask(['PING']);
    expect(await locker.newLock('upload').tryLock()).toBe(true);
  });

  it('passes on that a lock is seized while nobody has worked under it', async () => {
    const [closing, hasty, next] = [openLocker(options), openLocker(options), openLocker(options)];
    const interrupted = await held(closing, 'upload');
    await closing.close();
    expect(interrupted.lost!.aborted).toBe(true);
    await hasty.connect();
    await redis.signal('SIGSTOP');
    try {
      const refused = hasty.newLock('upload').tryLock();
      await expect(refused).rejects.toMatchObject({ code: ErrStorageUnavailable.code });
    } finally {
      // Redis takes the lock for the one that it did not answer in time; that one lets go of it unused.
      await redis.signal('SIGCONT');
    }
    const lock = await heldAgain(next, 'upload');
    expect(lock.seized).toBe(true);
    await lock.unlock();
    expect((await held(next, 'upload')).seized).toBe(false);
  });

  it('has nothing to do with those that have another prefix: other apps, or other endpoints of one', async () => {
    const [one, two] = [openLocker(options), openLocker({ ...options, prefix: `${options.prefix}-two` })];
    let interruptions = 0;
    const first = await held(one, 'upload', () => (interruptions += 1));
    const second = await held(two, 'upload');
    expect(second.previousToken).toBeUndefined();
    await second.unlock();
    expect((await held(two, 'upload')).previousToken).toBe(second.token);
    expect(await first.isHeld!()).toBe(true);
    expect(interruptions).toBe(0);
    await first.unlock();
  });

  it('works on a client of the app, which stays open', async () => {
    const client = createClient({ url: redis.options.url });
    await client.connect();
    try {
      const locker = new RedisLocker({ client, prefix: options.prefix });
      const lock = locker.newLock('upload');
      await lock.lock(never(), nobody);
      await locker.close();
      expect(lock.lost!.aborted).toBe(true);
      expect(await client.ping()).toBe('PONG');
      await expect(locker.newLock('upload').tryLock()).rejects.toMatchObject({
        code: ErrStorageUnavailable.code,
      });
      expect(await openLocker(options).newLock('upload').tryLock()).toBe(true);
    } finally {
      client.destroy();
    }
  });
});

type Hang = (redis: RedisServers, locker: RedisLocker) => Promise<void>;

/** Sockets, and timers that keep the process alive. */
function openResources(): number {
  return process.getActiveResourcesInfo().filter((name) => /^TCP(?:Socket|Connect)|^Timeout/.test(name))
    .length;
}

describe('RedisLocker under Sentinel', () => {
  it('goes on with the new master, and knows that it may have forgotten something', async () => {
    const redis = await startRedis('sentinel');
    // Long enough for its third, after which a waiter asks again, not to be taken for a message that was heard.
    const options = { ...redis.options, leaseDuration: 60_000 };
    const [locker, other] = [openLocker(options), openLocker(options)];
    const before = await held(locker, 'upload');
    await before.unlock();
    const kept = await held(locker, 'kept');
    const waiting = held(other, 'kept').catch((error: unknown) => error);
    await redis.signal('SIGKILL');
    const began = performance.now();
    const after = await heldAgain(locker, 'upload');
    console.info(`the new master gave a lock after ${Math.round(performance.now() - began)} ms`);
    // Not undefined when a call that was given up in the failover was done after all: then it names that.
    expect(after.previousToken).not.toBe(before.token);
    expect(after.seized).toBe(true);
    expect(after.token! > before.token!).toBe(true);
    // The replica knew of this lock, or the failover took longer than its lease: then its holder knows.
    expect(await kept.isHeld!()).toBe(!kept.lost!.aborted);
    await kept.unlock();
    // Whoever waited was refused when Redis did not answer for too long, and comes again as clients do.
    const outcome = await waiting;
    const next = outcome instanceof Error ? await heldAgain(other, 'kept') : (outcome as Lock);
    expect(next.token! > kept.token!).toBe(true);
    await after.unlock();
    const { asked, requestRelease } = request();
    const warm = await held(locker, 'upload', requestRelease);
    expect(warm.previousToken).toBe(after.token);
    expect(warm.seized).toBe(false);
    const handedOver = held(other, 'upload');
    await within('the holder is asked by a message', asked, 12_000);
    await warm.unlock();
    await within('the waiter is woken by a message', handedOver, 12_000);
  });

  // Before the sentinels know it, so that node-redis waits for that one, for ever.
  const hang: Hang = async (redis, locker) => {
    await redis.signal('SIGSTOP');
    await expect(locker.connect()).rejects.toMatchObject({ code: ErrStorageUnavailable.code });
  };
  // After the locker connected for commands, as it seems to node-redis, and before it did so for messages.
  const die: Hang = async (redis, locker) => {
    await expect(locker.connect()).rejects.toMatchObject({ code: ErrStorageUnavailable.code });
    await redis.signal('SIGKILL');
  };

  /** A client of this sees the master once, and looks for messages where nobody listens; the next client sees all. */
  function openConnecting(redis: RedisServers): RedisLocker {
    let asked = 0;
    const nobodyListens = redis.port + 4 + 10_000;
    const nodeAddressMap = (address: string) => {
      const [host = '', port] = address.split(':');
      return { host, port: Number(port) === redis.port && ++asked === 2 ? nobodyListens : Number(port) };
    };
    const sentinel = { ...redis.options.sentinel!, nodeAddressMap };
    return openLocker({ sentinel, leaseDuration: LEASE_MS });
  }

  describe.each([
    [
      'hangs while it is connected to',
      hang,
      (redis: RedisServers) => openLocker({ ...redis.options, leaseDuration: LEASE_MS }),
    ],
    ['dies while it is connected to for messages', die, openConnecting],
  ])('whose master %s', (_what, fail, open) => {
    it('finds the new one, and hears its messages', async () => {
      const redis = await startRedis('sentinel');
      const locker = open(redis);
      await fail(redis, locker);
      await (await heldAgain(locker, 'upload')).unlock();
      const { asked, requestRelease } = request();
      const lock = await held(locker, 'upload', requestRelease);
      const handedOver = held(openLocker(redis.options), 'upload');
      await within('the holder is asked by a message', asked, PATIENCE_MS);
      await lock.unlock();
      await handedOver;
    });

    it('leaves nothing open when it is closed', async () => {
      const redis = await startRedis('sentinel');
      const before = openResources();
      const locker = open(redis);
      await fail(redis, locker);
      await within('the locker is closed', locker.close(), PATIENCE_MS);
      await eventually('nothing is open any more', () => openResources() <= before);
    });
  });
});

describe('RedisLocker on a cluster', () => {
  it('renews leases and remembers holders on every node', async () => {
    const redis = await startRedis('cluster');
    const options = { ...redis.options, leaseDuration: LEASE_MS };
    const [locker, other] = [openLocker(options), openLocker(options)];
    const ids = Array.from({ length: 12 }, (_, number) => `upload-${number}`);
    const locks = await Promise.all(ids.map((id) => held(locker, id)));
    await pause(LEASE_MS * 1.5);
    for (const lock of locks) expect(await lock.isHeld!()).toBe(true);
    for (const id of ids) expect(await other.newLock(id).tryLock()).toBe(false);
    await Promise.all(locks.map((lock) => lock.unlock()));
    for (const [index, id] of ids.entries()) {
      const lock = await held(other, id);
      expect(lock.previousToken).toBe(locks[index]!.token);
    }
  });
});

describe.each<Topology>(['single', 'sentinel', 'cluster'])(
  'RedisLocker that comes before its Redis (%s)',
  (topology) => {
    it('refuses until the servers are there, then works without a restart', async () => {
      const redis = await reserveRedis(topology);
      const locker = openLocker({ ...redis.options, leaseDuration: LEASE_MS });
      await expect(locker.connect()).rejects.toMatchObject({ code: ErrStorageUnavailable.code });
      await expect(locker.newLock('upload').tryLock()).rejects.toMatchObject({
        code: ErrStorageUnavailable.code,
      });
      await redis.start();
      const lock = await heldAgain(locker, 'upload');
      expect(await lock.isHeld!()).toBe(true);
      await lock.unlock();
    });
  },
);
