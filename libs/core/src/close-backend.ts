import type { Engine } from './engine.js';

/** Of the time for ending, what closing takes at least, in milliseconds: requests may have used all of it. */
const SHORTEST_CLOSING_MS = 500;
const SHARE_FOR_CLOSING = 0.1;

interface Closable {
  close?(): Promise<void>;
}

/** What was closed already, or is being closed: several endpoints of an app may share a store or a locker. */
const closing = new WeakMap<object, Promise<void>>();

/** Closes the store and then the locker, so that nothing is written any more when locks go. Never rejects. */
export async function closeBackend({ composer, config, logger }: Engine): Promise<void> {
  const timeout = Math.max(SHORTEST_CLOSING_MS, config.gracefulRequestCompletionTimeout * SHARE_FOR_CLOSING);
  for (const [name, part] of [
    ['store', composer.core],
    ['locker', composer.locker],
  ] as const) {
    try {
      if (part) await within(timeout, closeOnce(part));
    } catch (error) {
      logger.error(`closing the ${name} failed`, error);
    }
  }
}

function closeOnce(part: Closable): Promise<void> {
  const known = closing.get(part);
  if (known) return known;
  const closed = Promise.resolve().then(() => part.close?.());
  closing.set(part, closed);
  return closed;
}

async function within(timeout: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it was not over after ${timeout} ms`)), timeout);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
