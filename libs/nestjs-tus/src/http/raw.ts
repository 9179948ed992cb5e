import type { IncomingMessage, ServerResponse } from 'node:http';

/** Express's request is Node's own; Fastify's has it inside. */
export type FrameworkRequest = IncomingMessage | { readonly raw: IncomingMessage };
export type FrameworkResponse = ServerResponse | { readonly raw: ServerResponse };

export function rawRequest(request: FrameworkRequest): IncomingMessage {
  return 'raw' in request ? request.raw : request;
}

export function rawResponse(response: FrameworkResponse): ServerResponse {
  return 'raw' in response ? response.raw : response;
}

/** The request target as the client sent it; a router that is mounted somewhere cuts `url`. */
export function targetOf(req: IncomingMessage): string {
  const { originalUrl } = req as IncomingMessage & { originalUrl?: string };
  return originalUrl ?? req.url ?? '/';
}
