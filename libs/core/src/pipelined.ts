import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { errors } from './errors.js';

/** Requests of one connection that wait for their turn at most; browsers send none ahead. Each costs some KiB. */
const MOST_WAITING = 100;

/** How many requests of a connection wait. */
const waitingOn = new WeakMap<Socket, number>();

/** True for a request that came before the requests ahead of it on its connection were answered. HTTP/2 has none. */
export function isPipelined(req: IncomingMessage, res: ServerResponse): boolean {
  return req.httpVersionMajor < 2 && res.socket === null && !res.headersSent;
}

/**
 * Waits until all requests ahead are answered. Node hands pipelined requests out at once: thousands of one connection would open their files at
 * the same time, and a PATCH would interrupt the one before it. A connection on which more than 100 wait is closed.
 * @throws HttpError `ERR_CONNECTION_RESET` when the connection closes before
 */
export async function turnOf(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { socket } = req;
  const ahead = waitingOn.get(socket) ?? 0;
  waitingOn.set(socket, ahead + 1);
  if (ahead >= MOST_WAITING) socket.destroy();
  await new Promise<void>((resolve) => {
    res.once('socket', () => resolve());
    req.once('close', resolve);
    if (socket.destroyed) resolve();
  });
  waitingOn.set(socket, (waitingOn.get(socket) ?? 1) - 1);
  if (socket.destroyed) throw errors.connectionReset();
}
