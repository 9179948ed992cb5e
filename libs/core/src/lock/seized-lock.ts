import type { Lock } from './locker.js';

/**
 * A lock as stores must see it while a call of an earlier holder in this process has not ended: that call may still write, as a holder from which
 * the lock was taken may. What is remembered of the upload may be that of the call.
 */
export function asSeized(lock: Lock): Lock {
  return {
    seized: true,
    previousToken: undefined,
    token: lock.token,
    lost: lock.lost,
    lock: (signal, requestRelease) => lock.lock(signal, requestRelease),
    unlock: () => lock.unlock(),
    ...(lock.isHeld && { isHeld: async () => (await lock.isHeld?.()) ?? true }),
  };
}
