import { once } from 'node:events';
import { ErrStorageUnavailable, type Lock } from '@nestjs-tus/core';
import { RedisLocker, type RedisLockerOptions } from '@nestjs-tus/redis-locker';
import { eventually, within } from '../harness/eventually.js';

/** For what ends with a lease: it needs some, and the machine may be slow. */
export const PATIENCE_MS = 60_000;

export const never = () => new AbortController().signal;
export const nobody = () => undefined;
const lockers: RedisLocker[] = [];

/** A locker that is closed after the test. */
export function openLocker(options: RedisLockerOptions): RedisLocker {
  const locker = new RedisLocker(options);
  lockers.push(locker);
  return locker;
}

export async function held(
  locker: RedisLocker,
  id: string,
  requestRelease: () => void = nobody,
): Promise<Lock> {
  const lock = locker.newLock(id);
  await lock.lock(AbortSignal.timeout(PATIENCE_MS), requestRelease);
  return lock;
}

/** Tries until Redis is there again. */
export async function heldAgain(locker: RedisLocker, id: string): Promise<Lock> {
  return eventually(
    'the lock can be taken again',
    async () => {
      try {
        return await held(locker, id);
      } catch (error) {
        expect(error).toMatchObject({ code: ErrStorageUnavailable.code });
        return undefined;
      }
    },
    PATIENCE_MS,
  );
}

export async function lost(lock: Lock): Promise<void> {
  if (!lock.lost!.aborted) await within('the lock is lost', once(lock.lost!, 'abort'), PATIENCE_MS);
}

/** A holder's `requestRelease`, and the promise of its first call. */
export function request() {
  let requestRelease = nobody as () => void;
  const asked = new Promise<void>((resolve) => (requestRelease = resolve));
  return { asked, requestRelease };
}

afterEach(async () => {
  await Promise.all(lockers.splice(0).map((locker) => locker.close()));
});
