import { jest } from '@jest/globals';
import { guardedLogger } from './guarded-logger.js';

const quiet = () => undefined;

describe('guardedLogger', () => {
  const complaints = jest.spyOn(console, 'error').mockImplementation(quiet);
  afterEach(() => complaints.mockClear());
  afterAll(() => complaints.mockRestore());

  it('passes on what is logged, as methods of the logger', () => {
    class Lines {
      readonly lines: unknown[][] = [];
      error(...line: unknown[]): void {
        this.lines.push(line);
      }
      warn = quiet;
      log = quiet;
    }
    const logger = new Lines();
    guardedLogger(logger).error('broken', 5);
    expect(logger.lines).toEqual([['broken', 5]]);
    expect(guardedLogger(logger).debug).toBeUndefined();
  });

  it('says on the console what a logger threw, and at what', () => {
    const error = () => {
      throw new Error('no space left');
    };
    guardedLogger({ error, warn: quiet, log: quiet }).error('PATCH failed', 5);
    expect(complaints.mock.calls.join()).toMatch(/no space left.*at: PATCH failed$/s);
  });

  it('takes a rejection for the same', async () => {
    const log: () => unknown = async () => Promise.reject(new Error('no space left'));
    guardedLogger({ error: quiet, warn: quiet, log }).log('finished');
    await new Promise(setImmediate);
    expect(complaints.mock.calls.join()).toMatch(/no space left.*at: finished$/s);
  });
});
