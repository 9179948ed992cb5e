import { setTimeout as pause } from 'node:timers/promises';

const POLL_INTERVAL_MS = 10;

/**
 * Asks `condition` again and again until it gives something true, and returns that.
 *
 * @throws Error that names `what`, when nothing true came in time
 */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 15_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > end) throw new Error(`did not happen within ${deadlineMs} ms: ${what}`);
    await pause(POLL_INTERVAL_MS);
  }
}

/** The promise's value, or an error that names `what`, when it did not come in time. */
export async function within<T>(what: string, promise: Promise<T>, deadlineMs = 15_000): Promise<T> {
  const timer = new AbortController();
  const late = pause(deadlineMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`did not happen within ${deadlineMs} ms: ${what}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}
