import type { IncomingMessage, ServerResponse } from 'node:http';
import { errors } from './errors.js';

/** True for a request that came before the requests ahead of it on its connection were answered. HTTP/2 has none. */
export function isPipelined(req: IncomingMessage, res: ServerResponse): boolean {
  return req.httpVersionMajor < 2 && res.socket === null && !res.headersSent;
}

/**
 * Waits until all requests ahead are answered. Node hands pipelined requests out at once: thousands of one connection would open their files at
 * the same time, and a PATCH would interrupt the one before it.
 * @throws HttpError `ERR_CONNECTION_RESET` when the connection closes before
 */
export async function turnOf(req: IncomingMessage, res: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    res.once('socket', () => resolve());
    req.once('close', resolve);
  });
  if (req.socket.destroyed) throw errors.connectionReset();
}
