import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long the rest of a refused body may take. */
const LONGEST_REST_MS = 5_000;

/**
 * Bounds the time in which a client sends on after its request was answered: Node reads what is left of a body however slowly it comes. The
 * connection is closed then; on HTTP/2 the answer's end resets the stream.
 */
export function boundUnreadBody(req: IncomingMessage, res: ServerResponse): void {
  if (req.complete || req.httpVersionMajor >= 2) return;
  // Requests may be pipelined: the time begins when the answer is out, and others may be before it.
  res.once('finish', () => {
    if (req.complete || req.destroyed) return;
    const timer = setTimeout(() => req.socket.destroySoon(), LONGEST_REST_MS);
    const stop = () => clearTimeout(timer);
    req.once('end', stop);
    req.once('close', stop);
  });
}
