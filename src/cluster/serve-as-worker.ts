import type { ServerOptions } from '../config/server-options.js';
import { closeInTime } from '../shutdown.js';
import { SHUT_DOWN } from './messages.js';
import type { StartFailure } from './messages.js';

/** Serves as one of several processes, until the primary says so, or is gone. */
export async function serveAsWorker(options: ServerOptions): Promise<void> {
  let close = async (): Promise<void> => undefined;
  let isEnding = false;
  const end = () => {
    if (isEnding) return;
    isEnding = true;
    void closeInTime(() => close(), options.shutdownTimeout);
  };
  process.on('message', (message) => message === SHUT_DOWN && end());
  process.on('disconnect', end);
  process.on('SIGTERM', end);
  // A terminal's Ctrl-C reaches every process of the group; the primary has it as well, and says what is to be done.
  process.on('SIGINT', () => undefined);
  try {
    const { startServer } = await import('../start-server.js');
    const server = await startServer(options);
    close = () => server.close();
  } catch (error) {
    const failure: StartFailure = { startFailure: error instanceof Error ? error.message : String(error) };
    process.send?.(failure, () => process.exit(1));
  }
}
