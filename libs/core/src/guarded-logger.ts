import { types } from 'node:util';
import { shown } from './events/plain-values.js';
import type { TusLogger } from './config.js';

type Write = (message: string, ...details: unknown[]) => unknown;

/** An app's logger that can do no harm: what it throws, or rejects with, goes to `console` together with the line that it was given. */
export function guardedLogger(logger: TusLogger): TusLogger {
  const guarded =
    (write: Write): Write =>
    (message, ...details) => {
      try {
        const result = write(message, ...details);
        if (types.isPromise(result)) result.catch((error: unknown) => complain(message, error));
      } catch (error) {
        complain(message, error);
      }
    };
  return {
    error: guarded((...line) => logger.error(...line)),
    warn: guarded((...line) => logger.warn(...line)),
    log: guarded((...line) => logger.log(...line)),
    debug: logger.debug && guarded((...line) => logger.debug?.(...line)),
  };
}

function complain(message: string, error: unknown): void {
  // Details are left out: one of them may be what the logger could not write.
  const { error: write } = console;
  write(`the logger failed (${shown(error)}) at: ${message}`);
}
