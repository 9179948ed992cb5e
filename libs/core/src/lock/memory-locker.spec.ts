import { ErrFileLocked, hasCode } from '../errors.js';
import { StoreComposer } from '../store/store-composer.js';
import { MemoryLocker } from './memory-locker.js';
import type { RecentMap } from '../recent-map.js';

const nobody = () => undefined;
const never = () => new AbortController().signal;
/** Lets every promise that can settle now settle, without waiting for a timer or I/O. */
const microtasks = () => new Promise<void>((resolve) => process.nextTick(resolve));

describe('MemoryLocker', () => {
  it('becomes the locker of a composer', () => {
    const composer = new StoreComposer();
    const locker = new MemoryLocker();
    locker.useIn(composer);
    expect(composer.locker).toBe(locker);
  });

  it('serves those who wait in the order of their arrival, without a timer', async () => {
    const locker = new MemoryLocker();
    const first = locker.newLock('a');
    await first.lock(never(), nobody);
    const served: number[] = [];
    for (const number of [1, 2, 3]) {
      const lock = locker.newLock('a');
      void lock.lock(never(), nobody).then(() => {
        served.push(number);
        return lock.unlock();
      });
    }
    await microtasks();
    expect(served).toEqual([]);
    await first.unlock();
    await microtasks();
    expect(served).toEqual([1, 2, 3]);
  });

  it('asks the holder once for each arrival, and a new holder when others wait behind it', async () => {
    const locker = new MemoryLocker();
    const asked = { first: 0, second: 0, third: 0 };
    const [first, second, third] = [locker.newLock('a'), locker.newLock('a'), locker.newLock('a')];
    await first.lock(never(), () => (asked.first += 1));
    await microtasks();
    expect(asked.first).toBe(0);
    const secondHolds = second.lock(never(), () => (asked.second += 1));
    const thirdHolds = third.lock(never(), () => (asked.third += 1));
    await microtasks();
    expect(asked).toEqual({ first: 2, second: 0, third: 0 });
    await first.unlock();
    await secondHolds;
    await microtasks();
    expect(asked).toEqual({ first: 2, second: 1, third: 0 });
    await second.unlock();
    await thirdHolds;
    await microtasks();
    expect(asked).toEqual({ first: 2, second: 1, third: 0 });
  });

  it('takes a waiter out of the queue when its time is up', async () => {
    const locker = new MemoryLocker();
    const [first, second, third] = [locker.newLock('a'), locker.newLock('a'), locker.newLock('a')];
    await first.lock(never(), nobody);
    const timeIsUp = new AbortController();
    const secondHolds = second.lock(timeIsUp.signal, nobody);
    const thirdHolds = third.lock(never(), nobody);
    timeIsUp.abort();
    await expect(secondHolds).rejects.toMatchObject({ code: ErrFileLocked.code, status: 423 });
    await first.unlock();
    await thirdHolds;
    expect(second.token).toBeUndefined();
  });

  it('rejects at once when the time was up before', async () => {
    const lock = new MemoryLocker().newLock('a');
    const refusal = await lock.lock(AbortSignal.abort(), nobody).catch((error: unknown) => error);
    expect(hasCode(refusal, ErrFileLocked)).toBe(true);
    expect(await lock.tryLock()).toBe(true);
  });

  it('keeps the lock when the signal aborts after it is held', async () => {
    const locker = new MemoryLocker();
    const controller = new AbortController();
    await locker.newLock('a').lock(controller.signal, nobody);
    controller.abort();
    expect(await locker.newLock('a').tryLock()).toBe(false);
  });

  it('does not release for another when it is unlocked twice, or while it waits', async () => {
    const locker = new MemoryLocker();
    const [first, second, third] = [locker.newLock('a'), locker.newLock('a'), locker.newLock('a')];
    await first.lock(never(), nobody);
    const secondHolds = second.lock(never(), nobody);
    await second.unlock();
    await third.unlock();
    expect(await third.tryLock()).toBe(false);
    await first.unlock();
    await secondHolds;
    await first.unlock();
    expect(await third.tryLock()).toBe(false);
  });

  it('gives ascending tokens and the token of the holder before', async () => {
    const locker = new MemoryLocker();
    const [first, second, third] = [locker.newLock('a'), locker.newLock('a'), locker.newLock('a')];
    await first.lock(never(), nobody);
    const secondHolds = second.lock(never(), nobody);
    await first.unlock();
    await secondHolds;
    await second.unlock();
    await third.lock(never(), nobody);
    expect(first.previousToken).toBeUndefined();
    expect(second.previousToken).toBe(first.token);
    expect(third.previousToken).toBe(second.token);
    expect([third.token, first.token, second.token].sort()).toEqual([first.token, second.token, third.token]);
  });

  it('keeps nothing of an id that is free, and few of the tokens', async () => {
    const locker = new MemoryLocker();
    for (let number = 0; number < 2_500; number += 1) {
      const lock = locker.newLock(`id-${number}`);
      await lock.lock(never(), nobody);
      await lock.unlock();
    }
    const { queues, lastTokens } = locker as unknown as {
      queues: Map<string, unknown>;
      lastTokens: RecentMap<string>;
    };
    expect(queues.size).toBe(0);
    expect(lastTokens.size).toBeLessThan(2_000);
    expect(lastTokens.get('id-2499')).toBeDefined();
  });
});
