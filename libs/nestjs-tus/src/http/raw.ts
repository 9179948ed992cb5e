import { Logger } from '@nestjs/common';
import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http';

/** Express's request is Node's own; Fastify's has it inside. */
export type FrameworkRequest = IncomingMessage | { readonly raw: IncomingMessage };
export type FrameworkResponse = ServerResponse | FastifyReply;

/** What is used of Fastify's reply. Its package is not imported: an app on Express has none. */
export interface FastifyReply {
  readonly raw: ServerResponse;
  getHeaders(): Record<string, OutgoingHttpHeader | undefined>;
  hijack(): unknown;
}

export function rawRequest(request: FrameworkRequest): IncomingMessage {
  return 'raw' in request ? request.raw : request;
}

export function rawResponse(response: FrameworkResponse): ServerResponse {
  return 'raw' in response ? response.raw : response;
}

/**
 * Node's response, to be written by us and nobody else. Fastify keeps headers of its own until it sends, and would send when the
 * route's handler returns: it hands them over and stands back.
 */
export function takeOver(response: FrameworkResponse): ServerResponse {
  if (!('raw' in response)) return response;
  const { raw } = response;
  response.hijack();
  if (raw.headersSent) return raw;
  for (const [name, value] of Object.entries(response.getHeaders())) {
    if (value !== undefined) setIfSendable(raw, name, value);
  }
  return raw;
}

/** Fastify takes any value, Node does not: the answer goes out without what it refuses. */
function setIfSendable(raw: ServerResponse, name: string, value: OutgoingHttpHeader): void {
  try {
    raw.setHeader(name, value);
  } catch (error) {
    new Logger('TusModule').warn(`the header ${name} of this reply cannot be sent: ${String(error)}`);
  }
}

/** The request target as the client sent it; a router that is mounted somewhere cuts `url`. */
export function targetOf(req: IncomingMessage): string {
  const { originalUrl } = req as IncomingMessage & { originalUrl?: string };
  return originalUrl ?? req.url ?? '/';
}
