import { ErrStorageUnavailable } from '@nestjs-tus/core';
import type { RedisLockerOptions } from '@nestjs-tus/redis-locker';
import { eventually, within } from '../harness/eventually.js';
import { held, heldAgain, openLocker, PATIENCE_MS, request } from './redis-lockers.js';
import { type RedisServers, startRedis } from './redis-servers.js';

const LEASE_MS = 3_000;
const COMMAND_TIMEOUT_MS = 1_000;
const IDS = Array.from({ length: 24 }, (_, number) => `upload-${number}`);

/** Makes one server the replica of another. */
async function follow(replica: RedisServers, master: RedisServers): Promise<void> {
  await replica.ask(['REPLICAOF', '127.0.0.1', String(master.port)]);
  await eventually('it follows', async () =>
    (await replica.ask(['INFO', 'replication'])).includes('master_link_status:up'),
  );
}

describe('RedisLocker whose master was replaced and has come back', () => {
  it('does not believe what that one wrote before, and what others have replaced without its knowing', async () => {
    const [first, second] = await Promise.all([startRedis('single'), startRedis('single')]);
    const options = { ...first.options, prefix: 'back', leaseDuration: LEASE_MS };
    const [stale, newest] = [openLocker(options), openLocker(options)];
    await follow(second, first);
    const before = await held(stale, 'upload');
    await before.unlock();
    await eventually('the replica has it', () => second.ask(['EXISTS', 'back:last:{upload}']).then(Number));
    // The first failover: what the old master takes from now on is lost when it follows the new one.
    await second.ask(['REPLICAOF', 'NO', 'ONE']);
    const unheard = await held(newest, 'upload');
    expect(unheard.previousToken).toBe(before.token);
    await follow(first, second);
    // The second one.
    await first.ask(['REPLICAOF', 'NO', 'ONE']);
    const after = await heldAgain(stale, 'upload');
    expect(after.previousToken).toBeUndefined();
    expect(after.seized).toBe(true);
    expect(after.token! > unheard.token!).toBe(true);
  });
});

describe('RedisLocker on a cluster', () => {
  let redis: RedisServers;
  let options: RedisLockerOptions;

  beforeEach(async () => {
    redis = await startRedis('replicated-cluster');
    options = { ...redis.options, leaseDuration: LEASE_MS, commandTimeout: COMMAND_TIMEOUT_MS };
  });

  /** The master of `id`. */
  async function masterOf(id: string): Promise<number> {
    const slot = Number(await redis.ask(['CLUSTER', 'KEYSLOT', `tus:lock:{${id}}`], redis.port + 5));
    const nodes = await redis.ask(['CLUSTER', 'NODES'], redis.port + 5);
    for (const line of nodes.split('\n')) {
      const [, address = '', flags = '', , , , , , ...ranges] = line.split(' ');
      if (!flags.includes('master') || flags.includes('fail')) continue;
      for (const range of ranges) {
        const [from = NaN, to = from] = range.split('-').map(Number);
        if (slot >= from && slot <= to) return Number(/:(\d+)@/.exec(address)?.[1]);
      }
    }
    throw new Error(`no master has slot ${slot}`);
  }

  /** Where somebody listens for messages. */
  async function listeningAt(port: number): Promise<boolean> {
    return (await redis.ask(['CLIENT', 'LIST', 'TYPE', 'pubsub'], port)).length > 0;
  }

  // One that dies closes its connections; one whose host is gone, or that hangs, says nothing at all.
  it.each<NodeJS.Signals>(['SIGKILL', 'SIGSTOP'])(
    'goes on when a replica replaces a master (%s)',
    async (signal) => {
      const locker = openLocker(options);
      for (const id of IDS) await (await held(locker, id)).unlock();
      const dead = await masterOf(IDS[0]!);
      const elsewhere = await eventually('an upload on another master', async () => {
        for (const id of IDS) if ((await masterOf(id)) !== dead) return id;
        return undefined;
      });
      const kept = await held(locker, elsewhere);
      const killed = performance.now();
      await redis.signal(signal, dead);
      // Of which it takes no notice, unless it asks somebody else where the slots are now.
      const lock = await heldAgain(locker, IDS[0]!);
      console.info(`the new master gave a lock after ${Math.round(performance.now() - killed)} ms`);
      expect(lock.seized).toBe(true);
      await lock.unlock();
      for (const id of IDS) if (id !== elsewhere) await (await heldAgain(locker, id)).unlock();
      expect(await kept.isHeld!()).toBe(true);
      expect(kept.lost!.aborted).toBe(false);
    },
  );

  it('keeps serving the uploads of other masters while one is dead', async () => {
    const lines: string[] = [];
    const logger = {
      warn: (line: string) => void lines.push(line),
      log: (line: string) => void lines.push(line),
    };
    const locker = openLocker({ ...options, logger });
    await (await held(locker, IDS[0]!)).unlock();
    const dead = await masterOf(IDS[0]!);
    for (const port of [3, 4, 5].map((offset) => redis.port + offset)) await redis.signal('SIGKILL', port);
    const before = await Promise.all(IDS.map(async (id) => ({ id, port: await homeOf(id) })));
    await redis.signal('SIGKILL', dead);
    for (const port of [0, 1, 2].map((offset) => redis.port + offset).filter((at) => at !== dead)) {
      await redis.ask(['CONFIG', 'SET', 'cluster-require-full-coverage', 'no'], port);
      await eventually('the cluster is up in part', async () =>
        (await redis.ask(['CLUSTER', 'INFO'], port)).includes('cluster_state:ok'),
      );
    }
    const fresh = openLocker(options);
    for (const { id, port } of before) {
      if (port === dead) continue;
      for (const each of [locker, fresh]) await (await heldAgain(each, id)).unlock();
    }
    await expect(locker.newLock(IDS[0]!).tryLock()).rejects.toMatchObject({
      code: ErrStorageUnavailable.code,
    });
    for (const { id, port } of before) {
      if (port !== dead) for (const each of [locker, fresh]) await (await held(each, id)).unlock();
    }
    // The operator is told of that master, and not with every request.
    for (let count = 0; count < 20; count += 1) {
      await expect(locker.newLock(IDS[0]!).tryLock()).rejects.toMatchObject({ status: 503 });
      await (await held(locker, before.find(({ port }) => port !== dead)!.id)).unlock();
    }
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(10);
  });

  /** As `masterOf`, while all replicas are dead. */
  async function homeOf(id: string): Promise<number> {
    const slot = Number(await redis.ask(['CLUSTER', 'KEYSLOT', `tus:lock:{${id}}`]));
    return redis.port + (slot <= 5460 ? 0 : slot <= 10922 ? 1 : 2);
  }

  it.each<NodeJS.Signals>(['SIGKILL', 'SIGSTOP'])(
    'hears messages when another node has to bring them (%s)',
    async (signal) => {
      // Long enough for its third, after which a waiter asks again, not to be taken for a message that was heard.
      options = { ...options, leaseDuration: 300_000 };
      const locker = openLocker(options);
      await locker.connect();
      const ports = [0, 1, 2].map((offset) => redis.port + offset);
      const listens = await Promise.all(ports.map(listeningAt));
      const dead = ports[listens.indexOf(true)]!;
      const survivor = await eventually('an upload on another master', async () => {
        for (const id of IDS) if ((await masterOf(id)) !== dead) return id;
        return undefined;
      });
      const { asked, requestRelease } = request();
      const lock = await held(locker, survivor, requestRelease);
      await redis.signal(signal, dead);
      await eventually('a replica is master', async () =>
        (await redis.ask(['CLUSTER', 'INFO'], redis.port + 5)).includes('cluster_state:ok'),
      );
      const waiting = heldAgain(openLocker(options), survivor);
      await within('the holder is asked', asked, PATIENCE_MS);
      await lock.unlock();
      await (await waiting).unlock();
    },
  );

  it('keeps a lock while its slot moves to another node', async () => {
    const locker = openLocker(options);
    const [id] = IDS as [string];
    const slot = await redis.ask(['CLUSTER', 'KEYSLOT', `tus:lock:{${id}}`]);
    const lock = await held(locker, id);
    const from = await masterOf(id);
    const to = [0, 1, 2].map((offset) => redis.port + offset).find((port) => port !== from)!;
    const [fromNode, toNode] = await Promise.all(
      [from, to].map((port) => redis.ask(['CLUSTER', 'MYID'], port)),
    );
    await redis.ask(['CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', fromNode!], to);
    await redis.ask(['CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', toNode!], from);
    // One key after the other: the lock is here, and what is remembered of it there.
    const keys = (await redis.ask(
      ['CLUSTER', 'GETKEYSINSLOT', String(slot), '100'],
      from,
    )) as unknown as string[];
    expect(keys.length).toBeGreaterThan(1);
    for (const key of keys) {
      await redis.ask(['MIGRATE', '127.0.0.1', String(to), key, '0', '5000'], from);
      // A command that meets half of its keys here and half there is refused as what passes.
      const answer = await openLocker(options)
        .newLock(id)
        .tryLock()
        .catch((error: unknown) => error);
      if (answer !== false) expect(answer).toMatchObject({ code: ErrStorageUnavailable.code });
    }
    for (const port of [to, from])
      await redis.ask(['CLUSTER', 'SETSLOT', String(slot), 'NODE', toNode!], port);
    expect(await eventually('it answers', () => lock.isHeld!().catch(() => undefined))).toBe(true);
    expect(await openLocker(options).newLock(id).tryLock()).toBe(false);
    await lock.unlock();
    const next = await held(openLocker(options), id);
    // Another server has written what this one reads: it is not believed.
    expect(next.previousToken).toBeUndefined();
    expect(next.token! > lock.token!).toBe(true);
  });
});
