import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Exchange, RequestRoute, TusHandler } from '@nestjs-tus/core';

/** A request on its way through Nest, and who answers it. */
export interface OpenExchange {
  readonly handler: TusHandler;
  readonly exchange: Exchange;
  /** What the exchange knows of its route. Hooks and events get `request`: Fastify's own is there only after its middleware. */
  readonly route: OpenRoute;
  /** The Content-Type header while it is kept from body parsers. */
  hiddenMediaType?: string;
}

export type OpenRoute = RequestRoute & { request?: unknown };

/** By Node's request: guards, filters and the controller see one and the same. */
const exchanges = new WeakMap<IncomingMessage, OpenExchange>();

/** Opens the exchange of a request with a handler, or returns the one that is open already. */
export function openExchange(
  handler: TusHandler,
  req: IncomingMessage,
  res: ServerResponse,
  routeOf: () => OpenRoute,
): OpenExchange {
  const open = exchanges.get(req);
  if (open?.handler === handler) return open;
  const route = routeOf();
  const opened = { handler, exchange: handler.open(req, res, route), route };
  exchanges.set(req, opened);
  return opened;
}

/** The exchange of a request, if an endpoint has one with it. */
export function exchangeOf(req: IncomingMessage): OpenExchange | undefined {
  return exchanges.get(req);
}
