import type { IncomingMessage } from 'node:http';

/** Node's own request, within Fastify's or Express's. */
export function nodeRequest(request: unknown): IncomingMessage {
  const { raw } = request as { raw?: IncomingMessage };
  return raw ?? (request as IncomingMessage);
}
