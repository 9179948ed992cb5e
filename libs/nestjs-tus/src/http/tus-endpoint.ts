import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Type } from '@nestjs/common';
import type { TusHandler } from '@nestjs-tus/core';
import { exchangeOf, keepExchange } from './exchanges.js';
import type { OpenExchange, OpenRoute } from './exchanges.js';

/** One registration of TusModule, as its controller and the front door see it. */
export class TusEndpoint {
  constructor(
    readonly name: string,
    readonly handler: TusHandler,
    readonly controller: Type,
  ) {}

  /** Opens the exchange of a request, or returns the one that is open already: Fastify's router may pass the front door twice. */
  open(req: IncomingMessage, res: ServerResponse, route: OpenRoute): OpenExchange {
    const { handler, controller } = this;
    return (
      this.exchangeOf(req) ??
      keepExchange(req, { handler, controller, exchange: handler.open(req, res, route), route })
    );
  }

  /** @returns undefined for a request that the front door has opened for another endpoint, or for none */
  exchangeOf(req: IncomingMessage): OpenExchange | undefined {
    const open = exchangeOf(req);
    return open?.handler === this.handler ? open : undefined;
  }

  /** Answers with an error, also where the front door has opened nothing. */
  refuse(req: IncomingMessage, res: ServerResponse, error: unknown): Promise<void> {
    const { handler } = this;
    const exchange = this.exchangeOf(req)?.exchange ?? handler.open(req, res, { collectionPath: '/' });
    return handler.refuse(exchange, error);
  }
}
