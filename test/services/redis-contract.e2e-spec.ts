import { describeLockerContract } from '@nestjs-tus/core/testing';
import { RedisLocker } from '@nestjs-tus/redis-locker';
import { randomUUID } from 'node:crypto';
import { type RedisServers, startRedis, type Topology } from './redis-servers.js';

const TOPOLOGIES: readonly Topology[] = ['single', 'sentinel', 'cluster'];

for (const topology of TOPOLOGIES) {
  let servers: RedisServers;

  // A hook of the file: the suites of all three run in turn on servers that are there from the beginning.
  beforeAll(async () => {
    servers = await startRedis(topology);
  }, 60_000);

  describeLockerContract(`RedisLocker on ${topology}`, async () => {
    const options = { ...servers.options, prefix: `contract-${randomUUID()}` };
    const [locker, peer] = [new RedisLocker(options), new RedisLocker(options)];
    return {
      locker,
      peer,
      dispose: async () => {
        await locker.close();
        await peer.close();
      },
    };
  });
}
