import { jest } from '@jest/globals';
import { TusWorkers } from './tus-workers.js';

describe('TusWorkers.numbers', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it("gives this worker's own numbers when the primary process is frozen or gone", async () => {
    const numbers = new TusWorkers().numbers();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(await numbers).toEqual({});
  });
});
