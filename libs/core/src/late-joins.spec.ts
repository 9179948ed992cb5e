import { jest } from '@jest/globals';
import type { Engine } from './engine.js';
import { errors } from './errors.js';
import { LateJoins } from './late-joins.js';

const MINUTE = 60_000;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('LateJoins', () => {
  /** An engine whose store fails with `error`. */
  function failing(error: unknown) {
    const seen = { looks: 0, complaints: 0 };
    const getUpload = async () => {
      seen.looks += 1;
      throw error;
    };
    const logger = { error: () => (seen.complaints += 1) };
    return { seen, engine: { config: {}, store: { getUpload }, logger } as unknown as Engine };
  }

  it.each([
    ['what passes', errors.storageUnavailable()],
    ['a full store', errors.insufficientStorage()],
    ['a lock', errors.fileLocked()],
  ])('try again after %s', async (_, error) => {
    const { engine, seen } = failing(error);
    const joins = new LateJoins(engine);
    joins.add('final');
    await jest.advanceTimersByTimeAsync(MINUTE);
    expect(seen.looks).toBeGreaterThan(5);
    await joins.close();
    const { looks } = seen;
    await jest.advanceTimersByTimeAsync(MINUTE);
    expect(seen.looks).toBe(looks);
  });

  it.each([
    ['a refusal', errors.maxSizeExceeded(), 1],
    ['a defect', new TypeError('broken'), 1],
    ['the end of the upload', errors.notFound(), 0],
  ])('leave it to the client after %s', async (_, error, complaints) => {
    const { engine, seen } = failing(error);
    new LateJoins(engine).add('final');
    await jest.advanceTimersByTimeAsync(MINUTE);
    expect(seen).toEqual({ looks: 1, complaints });
  });
});
