import { jest } from '@jest/globals';
import { ErrFileLocked } from '@nestjs-tus/core';
import type { LeaseLock } from './lease-lock.js';
import type { LeaseLocker } from './lease-locker.js';
import { type LockerInMemory, twoLockers } from './testing/lockers-in-memory.js';

const LEASE_MS = 10_000;
/** After so many leases a holder has been renewed once more, or a waiter has asked once more. */
const RENEWED_AFTER = 0.5;

const ignore = () => undefined;
const never = () => new AbortController().signal;

let one: LockerInMemory;
let other: LockerInMemory;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  [one, other] = twoLockers();
});
afterEach(async () => {
  await one.locker.close();
  await other.locker.close();
  await settle();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

const passLeases = (leases: number) => jest.advanceTimersByTimeAsync(leases * LEASE_MS);
/** Lets go on what waits for no time. */
const settle = () => passLeases(0);

async function held(locker: LeaseLocker, requestRelease: () => void = ignore, id = 'upload') {
  const lock = locker.newLock(id);
  await lock.lock(never(), requestRelease);
  return lock;
}

/** A lock that is waited for, and who has it by now. */
function wanted(locker: LeaseLocker, requestRelease: () => void = ignore) {
  const waiter: { lock?: LeaseLock } = {};
  // Refused at the end of the test, if it waits still.
  void held(locker, requestRelease).then((lock) => (waiter.lock = lock), ignore);
  return waiter;
}

describe('LeaseLocker', () => {
  it('asks the holder by a message, and wakes the waiter by one', async () => {
    let asked = 0;
    const holder = await held(one.locker, () => (asked += 1));
    const waiter = wanted(other.locker);
    await settle();
    expect(asked).toBe(1);
    expect(waiter.lock).toBeUndefined();
    await holder.unlock();
    await settle();
    expect(waiter.lock?.seized).toBe(false);
    expect(waiter.lock?.previousToken).toBe(holder.token);
    expect(other.medium.calls).toEqual(['take upload', 'take upload']);
  });

  it('learns from its renewal that its lock is wanted, when the message was lost', async () => {
    one.medium.losesMessages = true;
    let asked = 0;
    await held(one.locker, () => (asked += 1));
    wanted(other.locker);
    await settle();
    expect(asked).toBe(0);
    await passLeases(RENEWED_AFTER);
    expect(asked).toBe(1);
  });

  it('asks again after a part of a lease, when the message that the lock is free was lost', async () => {
    other.medium.losesMessages = true;
    const holder = await held(one.locker);
    const waiter = wanted(other.locker);
    await settle();
    await holder.unlock();
    await settle();
    expect(waiter.lock).toBeUndefined();
    await passLeases(RENEWED_AFTER);
    expect(waiter.lock?.previousToken).toBe(holder.token);
    expect(waiter.lock?.seized).toBe(false);
  });

  it('asks when the lease of a holder ends that died, and seizes the lock', async () => {
    const holder = await held(one.locker);
    one.medium.fault = 'hangs';
    const waiter = wanted(other.locker);
    await passLeases(0.99);
    expect(waiter.lock).toBeUndefined();
    await passLeases(0.02);
    expect(waiter.lock?.seized).toBe(true);
    expect(waiter.lock?.previousToken).toBe(holder.token);
  });

  it('keeps a lock for many leases while it is renewed', async () => {
    const holder = await held(one.locker);
    await passLeases(10);
    expect(holder.lost?.aborted).toBe(false);
    expect(await other.locker.newLock('upload').tryLock()).toBe(false);
    expect(await holder.isHeld()).toBe(true);
  });

  it('calls the medium for the first of a line only, and serves the line in its order', async () => {
    const holder = await held(one.locker);
    const served: number[] = [];
    const waiting = Array.from({ length: 100 }, async (_, number) => {
      const lock = await held(other.locker);
      served.push(number);
      await lock.unlock();
    });
    await passLeases(2);
    // Every third of a lease, and at the soonest a quarter before that.
    expect(other.medium.calls.filter((call) => call === 'take upload').length).toBeLessThanOrEqual(9);
    other.medium.calls.length = 0;
    await holder.unlock();
    await Promise.all(waiting);
    expect(served).toEqual(Array.from({ length: 100 }, (_, number) => number));
    const takes = other.medium.calls.filter((call) => call === 'take upload');
    expect(takes).toHaveLength(100);
  });

  it('asks a holder for each request that comes, also in its own process', async () => {
    let asked = 0;
    const holder = await held(one.locker, () => (asked += 1));
    const mine = wanted(one.locker);
    const theirs = wanted(other.locker);
    await settle();
    expect(asked).toBe(2);
    await holder.unlock();
    await settle();
    const [next, last] = mine.lock ? [mine, theirs] : [theirs, mine];
    expect(last.lock).toBeUndefined();
    await next.lock?.unlock();
    await settle();
    expect(last.lock).toBeDefined();
  });

  it('asks a holder that was wanted before the answer came that it holds the lock', async () => {
    one.medium.fault = 'answers late';
    let asked = 0;
    const holder = held(one.locker, () => (asked += 1));
    wanted(other.locker);
    await settle();
    expect(asked).toBe(0);
    one.medium.fault = undefined;
    await holder;
    await settle();
    expect(asked).toBe(1);
  });

  it('asks for all locks again, and renews all, when messages may have been missed', async () => {
    const [asked, holder] = [jest.fn(), await held(one.locker, ignore, 'a')];
    await held(other.locker, asked, 'b');
    one.medium.losesMessages = other.medium.losesMessages = true;
    const waiter = held(other.locker, ignore, 'a');
    void held(one.locker, ignore, 'b').catch(ignore);
    await settle();
    await holder.unlock();
    other.medium.reconnect();
    expect((await waiter).previousToken).toBe(holder.token);
    await settle();
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('gives a lock the token, the token before and the seizure as the medium says them', async () => {
    const answer = { token: '7-abc', previousToken: '5-xyz', seized: true };
    one.medium.take = async () => answer;
    const lock = one.locker.newLock('upload');
    expect([lock.token, lock.previousToken, lock.seized, lock.lost]).toEqual(Array(4).fill(undefined));
    expect(await lock.tryLock()).toBe(true);
    expect(lock).toMatchObject(answer);
  });

  it('gives tokens that ascend, whichever process has the lock', async () => {
    const tokens: (string | undefined)[] = [];
    for (const { locker } of [one, other, other, one]) {
      const lock = await held(locker);
      expect(lock.previousToken).toBe(tokens.at(-1));
      tokens.push(lock.token);
      await lock.unlock();
    }
    expect([...tokens].sort()).toEqual(tokens);
  });

  it('does not try for a lock for which others of its process wait', async () => {
    await held(other.locker);
    wanted(one.locker);
    await settle();
    one.medium.calls.length = 0;
    expect(await one.locker.newLock('upload').tryLock()).toBe(false);
    expect(one.medium.calls).toEqual([]);
  });

  it('ends the waiting when the signal aborts, and the next of the line goes on', async () => {
    const holder = await held(other.locker);
    const controller = new AbortController();
    const impatient = one.locker.newLock('upload').lock(controller.signal, ignore);
    const patient = wanted(one.locker);
    await settle();
    controller.abort();
    await expect(impatient).rejects.toMatchObject({ code: ErrFileLocked.code, status: 423 });
    await holder.unlock();
    await settle();
    expect(patient.lock).toBeDefined();
  });

  it('lets a lock be used once', async () => {
    const lock = await held(one.locker);
    await expect(lock.lock(never(), ignore)).rejects.toThrow(/make another one with newLock/);
    await expect(lock.tryLock()).rejects.toThrow(/make another one with newLock/);
    expect(() => one.locker.newLock('')).toThrow(TypeError);
  });
});
