import { jest } from '@jest/globals';
import { describeLockerContract } from '@nestjs-tus/core/testing';
import { twoLockers } from './testing/lockers-in-memory.js';
import type { MemoryMedium } from './testing/index.js';

/** Milliseconds that pass in each turn of the event loop: no lease is lost when the machine is slow. */
const PER_TURN_MS = 100;

let turn: NodeJS.Immediate;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate'] });
  const passTime = () => {
    jest.advanceTimersByTime(PER_TURN_MS);
    turn = setImmediate(passTime);
  };
  passTime();
});
afterEach(() => {
  clearImmediate(turn);
  jest.useRealTimers();
});

function describeOn(what: string, prepare: (medium: MemoryMedium) => void): void {
  describeLockerContract(`LeaseLocker ${what}`, async () => {
    const both = twoLockers();
    const [one, other] = both;
    for (const { medium } of both) prepare(medium);
    return {
      locker: one.locker,
      peer: other.locker,
      dispose: async () => {
        await one.locker.close();
        await other.locker.close();
      },
    };
  });
}

describeOn('in memory', () => undefined);
describeOn('that renews each lease with a call of its own', (medium) => (medium.renewsAtOnce = 1));
// Waiters then ask again after a third of a lease, and the renewal says which lock is wanted.
describeOn('that hears no message', (medium) => (medium.losesMessages = true));
