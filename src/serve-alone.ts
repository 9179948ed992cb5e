import type { ServerOptions } from './config/server-options.js';
import { readyLine } from './ready-line.js';
import { closeInTime, onEndSignal } from './shutdown.js';

/** Serves from this one process until a signal ends it. */
export async function serveAlone(options: ServerOptions): Promise<void> {
  let close = async (): Promise<void> => undefined;
  onEndSignal(() => void closeInTime(() => close(), options.shutdownTimeout));
  const { startServer } = await import('./start-server.js');
  const server = await startServer(options);
  close = () => server.close();
  process.stdout.write(readyLine(options, server.port));
}
