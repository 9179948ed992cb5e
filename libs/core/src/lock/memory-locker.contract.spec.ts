import { describeLockerContract } from '../testing/locker-contract.js';
import { MemoryLocker } from './memory-locker.js';

describeLockerContract('MemoryLocker', async () => ({ locker: new MemoryLocker() }));
