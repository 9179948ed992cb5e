import { createInterface } from 'node:readline';
import { RedisLocker } from '@nestjs-tus/redis-locker';

/*
 * A process that holds a lock: `node hold-redis-lock.mjs OPTIONS ID`. It says a JSON line for what happens, and does what
 * the lines of its standard input say.
 */
const [, , options, id] = process.argv;
const say = (event, details = {}) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);

const locker = new RedisLocker(JSON.parse(options));
const lock = locker.newLock(id);
await lock.lock(new AbortController().signal, () => say('asked'));
lock.lost.addEventListener('abort', () => say('lost'));
say('held', { token: lock.token });

const commands = {
  isHeld: async () => say('isHeld', { held: await lock.isHeld() }),
  block: async () => {
    // Longer than any lease of the tests.
    const end = performance.now() + 5_000;
    while (performance.now() < end);
    say('blocked');
  },
  unlock: async () => {
    await lock.unlock();
    say('unlocked');
  },
};
for await (const line of createInterface({ input: process.stdin })) await commands[line]();
