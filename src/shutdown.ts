import { writeLine } from './log/write-line.js';

/** Left of the deadline for leaving after it was missed. */
const MARGIN_MS = 250;

/**
 * Ends the process by `close`, with code 0: when it is done, or when the time is nearly up.
 *
 * @param timeout milliseconds in which the process must be gone
 */
export async function closeInTime(close: () => Promise<void>, timeout: number): Promise<never> {
  const deadline = setTimeout(
    () => {
      writeLine('warn', 'Server', 'the time for shutting down is up; what is open is cut');
      process.exit(0);
    },
    Math.max(0, timeout - MARGIN_MS),
  );
  try {
    await close();
  } catch (error) {
    writeLine('error', 'Server', `shutting down: ${error instanceof Error ? error.message : String(error)}`);
  }
  clearTimeout(deadline);
  process.exit(0);
}

/** Calls `shutDown` at the first SIGTERM or SIGINT; a second one ends the process at once, with code 1. */
export function onEndSignal(shutDown: (signal: NodeJS.Signals) => void): void {
  let isEnding = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isEnding) process.exit(1);
      isEnding = true;
      shutDown(signal);
    });
  }
}
