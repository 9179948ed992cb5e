import { describeLockerContract } from '../testing/locker-contract.js';
import type { Lock, Locker } from './locker.js';
import { MemoryLocker } from './memory-locker.js';

/** As a user writes one who follows the reference: `lock` and `unlock`. */
function plainLocker(): Locker {
  const locker = new MemoryLocker();
  return {
    newLock(id: string): Lock {
      const lock = locker.newLock(id);
      return {
        lock: (signal, requestRelease) => lock.lock(signal, requestRelease),
        unlock: () => lock.unlock(),
      };
    },
  };
}

describeLockerContract('a locker with lock and unlock only', async () => ({ locker: plainLocker() }));
