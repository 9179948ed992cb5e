import type { IncomingMessage } from 'node:http';
import type { Type } from '@nestjs/common';
import type { Exchange, RequestRoute, TusHandler } from '@nestjs-tus/core';

/** A request on its way from the front door through Nest, and who answers it. */
export interface OpenExchange {
  readonly handler: TusHandler;
  /** The only class whose routes answer it. */
  readonly controller: Type;
  readonly exchange: Exchange;
  /** What the exchange knows of its route. Hooks and events get `request`: Fastify's own is there only after its middleware. */
  readonly route: OpenRoute;
  /** The Content-Type header while it is kept from body parsers. */
  hiddenMediaType?: string;
}

export type OpenRoute = RequestRoute & { request?: unknown };

/** By Node's request: guards, filters and the controller see one and the same. Only the front door adds to it. */
const exchanges = new WeakMap<IncomingMessage, OpenExchange>();

export function keepExchange(req: IncomingMessage, open: OpenExchange): OpenExchange {
  exchanges.set(req, open);
  return open;
}

/** The exchange of a request, if the front door has opened one. */
export function exchangeOf(req: IncomingMessage): OpenExchange | undefined {
  return exchanges.get(req);
}
