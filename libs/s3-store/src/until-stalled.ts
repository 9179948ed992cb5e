import type { Readable } from 'node:stream';

/**
 * Reads a stream, and breaks it when it gives nothing for `timeout` milliseconds while somebody waits for it. A reader that is slow
 * itself has all the time it wants.
 */
export async function* untilStalled(
  source: Readable,
  timeout: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, void>;
  const giveUp = () => {
    const message = `the storage service sent nothing for ${timeout} ms`;
    source.destroy(Object.assign(new Error(message), { name: 'TimeoutError' }));
  };
  try {
    for (;;) {
      const timer = setTimeout(giveUp, timeout);
      const { done, value } = await chunks.next().finally(() => clearTimeout(timer));
      if (done || value === undefined) return;
      yield value;
    }
  } finally {
    source.destroy();
  }
}
