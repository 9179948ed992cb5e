import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { describeLeaseMediumContract } from '@nestjs-tus/lease-locker/testing';
import { redisMedium } from '@nestjs-tus/redis-locker/testing';
import { type RedisServers, startRedis, type Topology } from './redis-servers.js';

const TOPOLOGIES: readonly Topology[] = ['single', 'sentinel', 'cluster'];

for (const topology of TOPOLOGIES) {
  let servers: RedisServers;

  beforeAll(async () => {
    servers = await startRedis(topology);
  }, 60_000);

  describeLeaseMediumContract(`RedisMedium on ${topology}`, async () => {
    // Nothing here is about a server that does not answer: a busy machine may take its time.
    const patience = { leaseDuration: 40_000, commandTimeout: 10_000 };
    const options = { ...servers.options, ...patience, prefix: `medium-${randomUUID()}` };
    return {
      medium: redisMedium(options),
      peer: redisMedium(options),
      pass: (milliseconds) => pause(milliseconds),
      // Of all clients of the server; each connects again by itself.
      cut: topology === 'single' ? () => servers.ask(['CLIENT', 'KILL', 'TYPE', 'pubsub']) : undefined,
    };
  });
}
