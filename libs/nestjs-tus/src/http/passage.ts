import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OpenExchange } from './exchanges.js';
import type { TusEndpoint } from './tus-endpoint.js';

export type Next = (error?: unknown) => void;

/** A route that Nest's router has for an endpoint. */
export interface EndpointRoute {
  readonly endpoint: TusEndpoint;
  /** As the router writes it: `/api/files`, `/api/files/:id`. */
  readonly url: string;
}

/** The way from the front door to the routes, past body parsers; it is another one in each framework. */
export interface Passage {
  /** Sends a request on to the route that answers it. */
  forward(req: IncomingMessage, res: ServerResponse, open: OpenExchange, next: Next): void;
  /** True when the router prefers a route with literal text to one with a parameter, whichever was registered first. */
  readonly prefersLiterals: boolean;
  /**
   * Called when the body parsers are in place and the routes are not. From then on, what the router leads to one of these routes and the
   * front door has not opened is 404, before a guard is asked: router and door have read its target differently.
   */
  installAfterParsers(routes: readonly EndpointRoute[]): void;
  /** Called when the routes are in place and the handler of what is not found is not. */
  installAfterRoutes(routes: readonly EndpointRoute[]): void;
}

/** The method by which the router finds the route. */
export function routedMethod(req: IncomingMessage, { exchange }: OpenExchange): string | undefined {
  // The POST routes take whatever the override says; the router must not look for the method that is to be ignored. A creation is
  // theirs too, by whatever method a protocol creates.
  const isAsSent = exchange.method === req.method && exchange.operation.name !== 'create';
  return isAsSent ? req.method : 'POST';
}

/** True when the request is the app's own affair: no operation of tus has this method at this URL. */
export function isForeign({ exchange }: OpenExchange): boolean {
  return exchange.operation.name === 'discover';
}

/**
 * What a URL of the endpoint has instead of the method that no route took.
 *
 * @returns undefined when the method exists, and still no route took it: the version in a header, say. Nest's own 404 is right.
 */
export function allowedInstead({ handler, exchange }: OpenExchange): string | undefined {
  const allowed = handler.allowedMethods(exchange.route.uploadId !== undefined);
  return allowed.split(', ').includes(exchange.method) ? undefined : allowed;
}
