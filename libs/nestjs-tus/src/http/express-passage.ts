import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import { errors } from '@nestjs-tus/core';
import { exchangeOf } from './exchanges.js';
import type { OpenExchange } from './exchanges.js';
import { hideMediaType, restoreMediaType } from './media-type.js';
import { allowedInstead, isForeign, routedMethod } from './passage.js';
import type { EndpointRoute, Next, Passage } from './passage.js';

/** Express asks middleware in the order of their registration, and routes after those that were there before them. */
export class ExpressPassage implements Passage {
  readonly prefersLiterals = false;
  private isAfterParsers = false;
  private isAfterRoutes = false;

  constructor(private readonly adapter: HttpServer) {}

  forward(req: IncomingMessage, _res: ServerResponse, open: OpenExchange, next: Next): void {
    req.method = routedMethod(req, open);
    if (!isForeign(open)) hideMediaType(req, open);
    next();
  }

  installAfterParsers(routes: readonly EndpointRoute[]): void {
    if (this.isAfterParsers) return;
    this.isAfterParsers = true;
    for (const { endpoint, url } of routes) {
      this.adapter.all(url, (req: IncomingMessage, res: ServerResponse, next) => {
        if (exchangeOf(req)) next?.();
        else endpoint.refuse(req, res, errors.notFound()).catch((error: unknown) => void next?.(error));
      });
    }
    this.adapter.use((req: IncomingMessage, _res: ServerResponse, next: Next) => {
      const open = exchangeOf(req);
      if (open) restoreMediaType(req, open);
      next();
    });
  }

  installAfterRoutes(): void {
    if (this.isAfterRoutes) return;
    this.isAfterRoutes = true;
    this.adapter.use((req: IncomingMessage, _res: ServerResponse, next: Next) => refuseUnrouted(req, next));
  }
}

function refuseUnrouted(req: IncomingMessage, next: Next): void {
  const open = exchangeOf(req);
  const allowed = open && allowedInstead(open);
  if (!allowed) return next();
  open.handler.refuse(open.exchange, errors.methodNotAllowed(allowed)).catch(next);
}
