import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ErrFileLocked, hasCode } from '../errors.js';
import type { Lock, Locker } from '../lock/locker.js';
import { runner } from './runner.js';

/** What a contract suite gets to run on. */
export interface LockerUnderTest {
  readonly locker: Locker;
  /** Another locker on the same medium, as another process has it: the suite then runs across both. */
  readonly peer?: Locker;
  dispose?(): Promise<void>;
}

const CONTENDERS = 40;

const nobody = () => undefined;
const never = () => new AbortController().signal;

/** A holder's `requestRelease`, and the promise of its first call. */
function request() {
  let ask: () => void = nobody;
  const asked = new Promise<void>((resolve) => (ask = resolve));
  return { asked, requestRelease: () => ask() };
}

async function held(lock: Lock, requestRelease: () => void = nobody): Promise<Lock> {
  await lock.lock(never(), requestRelease);
  return lock;
}

async function assertLocked(waiting: Promise<void>): Promise<void> {
  await assert.rejects(
    waiting,
    (error) => hasCode(error, ErrFileLocked) && (error as { status?: number }).status === 423,
  );
}

/** The lock is held: it cannot be had without waiting. */
async function assertTaken(locker: Locker): Promise<void> {
  const lock = locker.newLock('upload');
  if (lock.tryLock) return assert.equal(await lock.tryLock(), false);
  const waiting = new AbortController();
  const refused = assertLocked(lock.lock(waiting.signal, nobody));
  await nextTurn();
  waiting.abort();
  await refused;
}

/**
 * The tests that every locker passes; those of optional parts are passed over where a locker lacks them. `makeLocker` is called for each; its medium need not be empty.
 *
 * @example
 * describeLockerContract('MemoryLocker', async () => ({ locker: new MemoryLocker() }));
 */
export function describeLockerContract(name: string, makeLocker: () => Promise<LockerUnderTest>): void {
  const { describe, it } = runner();
  const test = (behaviour: string, body: (locker: Locker, other: Locker) => Promise<void>) =>
    it(behaviour, async () => {
      const { locker, peer, dispose } = await makeLocker();
      try {
        await body(locker, peer ?? locker);
      } finally {
        await dispose?.();
      }
    });

  describe(`${name} keeps the contract of a locker:`, () => {
    test('lets only one hold an upload, and asks it to let go when another wants it', async (locker, other) => {
      const { asked, requestRelease } = request();
      const first = await held(locker.newLock('upload'), requestRelease);
      let secondHolds = false;
      const second = held(other.newLock('upload')).then((lock) => {
        secondHolds = true;
        return lock;
      });
      await asked;
      assert.equal(secondHolds, false);
      await first.unlock();
      await (await second).unlock();
    });

    test('asks every holder for whom others wait', async (locker, other) => {
      const first = request();
      const rest = [request(), request()];
      const holder = await held(locker.newLock('upload'), first.requestRelease);
      const served = rest.map(async ({ asked, requestRelease }) => {
        const lock = await held(other.newLock('upload'), requestRelease);
        return { lock, asked };
      });
      await first.asked;
      await holder.unlock();
      const next = await Promise.race(served);
      await next.asked;
      await next.lock.unlock();
      for (const { lock } of await Promise.all(served)) await lock.unlock();
    });

    test('keeps uploads apart', async (locker, other) => {
      const locks = await Promise.all(
        ['a', 'A-', '~a', 'a.b', 'a.info'].map((id) => held(locker.newLock(id))),
      );
      const more = await held(other.newLock('b'));
      for (const lock of [...locks, more]) await lock.unlock();
    });

    test('ends the waiting with 423 when time is up, and the queue goes on', async (locker, other) => {
      const { asked, requestRelease } = request();
      const holder = await held(locker.newLock('upload'), requestRelease);
      const timeIsUp = new AbortController();
      const impatient = other.newLock('upload').lock(timeIsUp.signal, nobody);
      await asked;
      const patient = held(other.newLock('upload'));
      timeIsUp.abort();
      await assertLocked(impatient);
      await holder.unlock();
      await (await patient).unlock();
      await (await held(locker.newLock('upload'))).unlock();
    });

    test('does not wait when time is up already', async (locker) => {
      await assertLocked(locker.newLock('upload').lock(AbortSignal.abort(), nobody));
      await (await held(locker.newLock('upload'))).unlock();
    });

    test('keeps what is held when the signal aborts later', async (locker, other) => {
      const controller = new AbortController();
      const lock = locker.newLock('upload');
      await lock.lock(controller.signal, nobody);
      controller.abort();
      await nextTurn();
      await assertTaken(other);
      if (lock.isHeld) assert.equal(await lock.isHeld(), true);
      await lock.unlock();
    });

    test('tries without waiting', async (locker, other) => {
      const { asked, requestRelease } = request();
      const first = locker.newLock('upload');
      const second = other.newLock('upload');
      if (!first.tryLock || !second.tryLock) return;
      assert.equal(await first.tryLock(requestRelease), true);
      assert.equal(await second.tryLock(), false);
      const waiting = held(other.newLock('upload'));
      await asked;
      await first.unlock();
      await (await waiting).unlock();
      assert.equal(await second.tryLock(), true);
      await second.unlock();
    });

    test('does no harm when it is unlocked twice, or without being held', async (locker, other) => {
      const stranger = other.newLock('upload');
      await stranger.unlock();
      const first = await held(locker.newLock('upload'));
      await stranger.unlock();
      await assertTaken(other);
      await first.unlock();
      const second = await held(other.newLock('upload'));
      await first.unlock();
      if (first.isHeld) assert.equal(await first.isHeld(), false);
      await assertTaken(locker);
      await second.unlock();
    });

    test('gives the lock to each of many exactly once, one after the other', async (locker, other) => {
      let holders = 0;
      const served: number[] = [];
      const contend = async (number: number) => {
        const lock = await held((number % 2 === 0 ? locker : other).newLock('upload'));
        holders += 1;
        assert.equal(holders, 1);
        served.push(number);
        await nextTurn();
        holders -= 1;
        await lock.unlock();
      };
      const numbers = Array.from({ length: CONTENDERS }, (_, number) => number);
      await Promise.all(numbers.map(contend));
      assert.deepEqual(
        served.sort((a, b) => a - b),
        numbers,
      );
    });

    test('never gives a token twice, and no other previous token than the last', async (locker, other) => {
      const tokens: string[] = [];
      for (let number = 0; number < CONTENDERS; number += 1) {
        const lock = await held((number % 3 === 0 ? locker : other).newLock('upload'));
        if (lock.previousToken !== undefined) assert.equal(lock.previousToken, tokens.at(-1));
        if (lock.token !== undefined) tokens.push(lock.token);
        await lock.unlock();
      }
      assert.equal(new Set(tokens).size, tokens.length);
    });

    test('names the holder before when it hands the lock over, if it names one at all', async (locker, other) => {
      const { asked, requestRelease } = request();
      const first = await held(locker.newLock('upload'), requestRelease);
      const waiting = held(other.newLock('upload'));
      await asked;
      await first.unlock();
      const second = await waiting;
      if (second.previousToken !== undefined) assert.equal(second.previousToken, first.token);
      assert.notEqual(second.seized, true);
      assert.notEqual(first.lost?.aborted, true);
      await second.unlock();
    });

    test('releases what is held when it is closed', async (locker, other) => {
      if (!locker.close || other === locker) return;
      await held(locker.newLock('upload'));
      const waiting = held(other.newLock('upload'));
      await locker.close();
      await (await waiting).unlock();
    });
  });
}
