import { jest } from '@jest/globals';

/** Stops this process's clock (`Date`) for each test of this file. Timers, sockets and files go on as ever. */
export function useStoppedClock(): { pass(milliseconds: number): void } {
  beforeEach(() => {
    jest.useFakeTimers({
      now: Date.now(),
      doNotFake: [
        'hrtime',
        'nextTick',
        'performance',
        'queueMicrotask',
        'setImmediate',
        'clearImmediate',
        'setInterval',
        'clearInterval',
        'setTimeout',
        'clearTimeout',
      ],
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });
  return { pass: (milliseconds) => void jest.setSystemTime(Date.now() + milliseconds) };
}
