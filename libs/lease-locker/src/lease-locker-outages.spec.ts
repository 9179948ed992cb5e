import { jest } from '@jest/globals';
import { ErrFileLocked, ErrLockLost, ErrStorageUnavailable } from '@nestjs-tus/core';
import type { LeaseLocker } from './lease-locker.js';
import type { Fault } from './testing/index.js';
import { type LockerInMemory, twoLockers } from './testing/lockers-in-memory.js';
import { NoAnswer } from './within.js';

const LEASE_MS = 10_000;
const ANSWER_MS = 2_000;

const ignore = () => undefined;
const never = () => new AbortController().signal;
const unavailable = expect.objectContaining({ code: ErrStorageUnavailable.code, status: 503 });

let one: LockerInMemory;
let other: LockerInMemory;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  [one, other] = twoLockers();
});
afterEach(async () => {
  one.medium.fault = undefined;
  await one.locker.close();
  await other.locker.close();
  jest.useRealTimers();
});

const pass = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);

async function held(locker: LeaseLocker, requestRelease: (reason?: unknown) => void = ignore) {
  const lock = locker.newLock('upload');
  await lock.lock(never(), requestRelease);
  return lock;
}

/** Resolves with what a promise rejects with. */
const refusal = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it was not refused',
    (error: unknown) => error,
  );

describe('A LeaseLocker whose medium is slow', () => {
  it.each<[Fault, string]>([
    ['answers late', 'taken at once, and answered late'],
    ['hangs', 'taken late'],
  ])('refuses in time, and releases as unused what was %s: %s', async (fault) => {
    one.medium.fault = fault;
    const refused = refusal(one.locker.newLock('upload').tryLock());
    await pass(ANSWER_MS);
    expect(await refused).toEqual(unavailable);
    expect(one.medium.failures).toEqual([expect.any(NoAnswer)]);
    one.medium.fault = undefined;
    await pass(0);
    expect(one.medium.calls).toEqual(['take upload', 'release upload unused']);
    const next = await held(other.locker);
    expect(next.seized).toBe(false);
  });

  it('releases as unused what was taken for a request that no longer wanted it', async () => {
    one.medium.fault = 'answers late';
    const controller = new AbortController();
    const refused = refusal(one.locker.newLock('upload').lock(controller.signal, ignore));
    await pass(0);
    controller.abort();
    expect(await refused).toMatchObject({ code: ErrFileLocked.code });
    expect(await other.locker.newLock('upload').tryLock()).toBe(false);
    one.medium.fault = undefined;
    await pass(0);
    expect(await other.locker.newLock('upload').tryLock()).toBe(true);
  });

  it('does not take the lock from its holder when the answer comes late that it is leased', async () => {
    const holder = await held(other.locker);
    one.medium.fault = 'answers late';
    const refused = refusal(one.locker.newLock('upload').tryLock());
    await pass(ANSWER_MS);
    expect(await refused).toEqual(unavailable);
    one.medium.fault = undefined;
    await pass(LEASE_MS / 2);
    expect(await holder.isHeld()).toBe(true);
  });

  it('passes on that the lock was seized, when it was taken and not used', async () => {
    await held(one.locker);
    await one.locker.close();
    other.medium.fault = 'answers late';
    const refused = refusal(other.locker.newLock('upload').tryLock());
    await pass(ANSWER_MS);
    expect(await refused).toEqual(unavailable);
    other.medium.fault = undefined;
    await pass(0);
    expect((await held(other.locker)).seized).toBe(true);
  });
});

describe('A LeaseLocker whose medium fails', () => {
  it('releases what may have been taken when a connection broke', async () => {
    one.medium.fault = 'breaks';
    expect(await refusal(one.locker.newLock('upload').tryLock())).toEqual(unavailable);
    one.medium.fault = undefined;
    await pass(LEASE_MS / 5);
    expect((await held(other.locker)).seized).toBe(false);
  });

  it('releases nothing when nothing was done, and logs the outage once', async () => {
    one.medium.fault = 'refuses';
    for (const id of ['a', 'b']) {
      const error = await refusal(one.locker.newLock(id).tryLock());
      expect(error).toEqual(unavailable);
      expect(error).toMatchObject({ cause: { message: 'the medium refuses' } });
    }
    await pass(LEASE_MS);
    expect(one.medium.calls).toEqual(['take a', 'take b']);
    one.medium.fault = undefined;
    await held(one.locker);
    expect(one.lines).toEqual([
      'TestLocker: Memory refuses commands; uploads are refused until it takes them (the medium refuses)',
      'TestLocker: Memory answers again after 10.0 s',
    ]);
  });

  it.each<Fault>(['refuses', 'hangs'])(
    'asks a holder to commit when its lease is in danger, and takes the lock from it before the lease ends: %s',
    async (fault) => {
      const asked: unknown[] = [];
      const lock = await held(one.locker, (reason) => asked.push(reason));
      one.medium.fault = fault;
      await pass(0.55 * LEASE_MS);
      expect(asked).toEqual([]);
      await pass(0.1 * LEASE_MS);
      expect(asked[0]).toEqual(unavailable);
      expect(lock.lost?.aborted).toBe(false);
      await pass(0.2 * LEASE_MS);
      expect(lock.lost?.reason).toMatchObject({ code: ErrLockLost.code });
      expect(await lock.isHeld()).toBe(false);
      expect(await other.locker.newLock('upload').tryLock()).toBe(false);
    },
  );

  it('keeps a lock without a word when one renewal fails, and the next one does not', async () => {
    const asked = jest.fn();
    const lock = await held(one.locker, asked);
    one.medium.fault = 'breaks';
    await pass(0.45 * LEASE_MS);
    one.medium.fault = undefined;
    await pass(LEASE_MS);
    expect(one.medium.failures).toHaveLength(1);
    expect(asked).not.toHaveBeenCalled();
    expect(await lock.isHeld()).toBe(true);
  });

  it('lets the next request of the process ask as soon as a lock is lost', async () => {
    const lock = await held(one.locker);
    const next = refusal(held(one.locker));
    one.medium.fault = 'breaks';
    await pass(0.9 * LEASE_MS);
    expect(lock.lost?.aborted).toBe(true);
    expect(await next).toEqual(unavailable);
  });

  it('does not guess whether a lock is held', async () => {
    const lock = await held(one.locker);
    one.medium.fault = 'hangs';
    const answer = refusal(lock.isHeld());
    await pass(ANSWER_MS);
    expect(await answer).toEqual(unavailable);
  });

  it('releases a lock later when it cannot do so at once', async () => {
    const lock = await held(one.locker);
    one.medium.fault = 'refuses';
    await lock.unlock();
    expect(await other.locker.newLock('upload').tryLock()).toBe(false);
    one.medium.fault = undefined;
    await pass(LEASE_MS / 5);
    const next = await held(other.locker);
    expect([next.seized, next.previousToken]).toEqual([false, lock.token]);
    expect(lock.lost?.aborted).toBe(false);
  });

  it('finds out that messages do not arrive', async () => {
    await held(one.locker);
    one.medium.losesMessages = true;
    await pass(LEASE_MS);
    expect(one.medium.missedMessages).toBe(1);
    expect(one.lines).toEqual([expect.stringMatching(/TestLocker: Memory delivers no messages/)]);
  });
});

describe('A LeaseLocker that is closed', () => {
  it('releases what it holds as still in use, and its holders learn it', async () => {
    const lock = await held(one.locker);
    const closing = one.locker.close();
    expect(lock.lost?.reason).toMatchObject({ code: ErrLockLost.code });
    await closing;
    expect(one.medium.calls).toEqual(['take upload', 'release upload working']);
    expect((await held(other.locker)).seized).toBe(true);
    await lock.unlock();
    expect(await lock.isHeld()).toBe(false);
  });

  it('refuses the requests that wait, and all that come', async () => {
    await held(other.locker);
    const waiting = [1, 2, 3].map(() => refusal(held(one.locker)));
    await pass(0);
    await one.locker.close();
    for (const error of await Promise.all(waiting)) expect(error).toEqual(unavailable);
    const late = await refusal(one.locker.newLock('other').tryLock());
    expect(late).toMatchObject({
      code: ErrStorageUnavailable.code,
      cause: { message: 'The TestLocker is closed.' },
    });
    await one.locker.close();
    expect(await refusal(one.locker.connect())).toEqual(unavailable);
    expect([one.lines, one.medium.failures]).toEqual([[], []]);
  });

  it('releases as unused what was being taken, before it is closed', async () => {
    one.medium.fault = 'answers late';
    const refused = refusal(held(one.locker));
    await pass(0);
    let isClosed = false;
    const closing = one.locker.close().then(() => (isClosed = true));
    await pass(ANSWER_MS / 2);
    expect(isClosed).toBe(false);
    one.medium.fault = undefined;
    await closing;
    expect(await refused).toEqual(unavailable);
    expect(one.medium.calls).toEqual(['take upload', 'release upload unused']);
    expect(await other.locker.newLock('upload').tryLock()).toBe(true);
  });

  it('waits no longer than for an answer when the medium is gone', async () => {
    one.medium.fault = 'hangs';
    const refused = refusal(held(one.locker));
    await pass(0);
    const closing = one.locker.close();
    await pass(ANSWER_MS);
    await closing;
    expect(await refused).toEqual(unavailable);
  });

  it('keeps no timer, also when a message to itself was on its way', async () => {
    const lock = await held(one.locker);
    one.medium.losesMessages = true;
    await pass(LEASE_MS / 2);
    expect(one.medium.calls).toContain('send echo');
    await one.locker.close();
    await pass(0);
    expect(jest.getTimerCount()).toBe(0);
    expect([lock.lost?.aborted, one.lines]).toEqual([true, []]);
  });
});

describe('A LeaseLocker at the start', () => {
  it('makes every call once, on a lock of its own, and leaves nothing behind', async () => {
    await one.locker.init();
    const calls = one.medium.calls.map((call) => call.replace(/~start~\w+/, 'ID'));
    expect(calls).toEqual(['open', 'take ID', 'take ID', 'renew ID', 'release ID done']);
    expect(one.lines).toEqual([]);
  });

  it('waits for a medium that does not answer', async () => {
    one.medium.fault = 'hangs';
    const started = one.locker.init();
    await pass(ANSWER_MS);
    await started;
    expect(one.lines).toEqual([expect.stringMatching(/Memory does not answer/)]);
    const connected = refusal(one.locker.connect());
    await pass(ANSWER_MS);
    expect(await connected).toEqual(unavailable);
  });

  it('ends with what the operator has to change', async () => {
    Object.assign(one.medium, { checkSetup: async () => 'use the option "cluster"' });
    await expect(one.locker.init()).rejects.toThrow('TestLocker: use the option "cluster"');
    Object.assign(other.medium, { adviceOn: (cause: Error) => `grant the right (${cause.message})` });
    other.medium.fault = 'refuses';
    await expect(other.locker.init()).rejects.toThrow('TestLocker: grant the right (the medium refuses)');
  });

  it('does not end for a refusal that may pass', async () => {
    one.medium.fault = 'refuses';
    await one.locker.init();
  });
});
