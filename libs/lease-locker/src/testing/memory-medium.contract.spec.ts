import { jest } from '@jest/globals';
import { describeLeaseMediumContract } from './medium-contract.js';
import { MemoryLeases } from './memory-medium.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describeLeaseMediumContract('MemoryMedium', async () => {
  const leases = new MemoryLeases();
  const [medium, peer] = [leases.node(), leases.node()];
  return {
    medium,
    peer,
    pass: (milliseconds) => jest.advanceTimersByTimeAsync(milliseconds),
    cut: async () => medium.reconnect(),
  };
});
