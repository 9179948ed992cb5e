import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import { errors, readTarget } from '@nestjs-tus/core';
import { exchangeOf } from './exchanges.js';
import type { OpenExchange } from './exchanges.js';
import { hideMediaType, restoreMediaType } from './media-type.js';
import { allowedInstead, isForeign, routedMethod } from './passage.js';
import type { EndpointRoute, Next, Passage } from './passage.js';
import { takeOver } from './raw.js';
import type { FastifyReply } from './raw.js';
import type { TusEndpoint } from './tus-endpoint.js';

/** The media type of a body for as long as Fastify looks for its parser: it answers 415 where there is none. */
const UNPARSED = 'application/x-nestjs-tus-unparsed';

interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly is404: boolean;
  readonly routeOptions: { readonly url?: string };
}
type Done = (error?: Error | null) => void;

/** What is used of Fastify. */
interface FastifyInstance {
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): unknown;
  addHook(
    name: 'preParsing',
    hook: (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: Done) => void,
  ): unknown;
  addHook(
    name: 'preValidation',
    hook: (request: FastifyRequest, reply: FastifyReply, done: Done) => void,
  ): unknown;
  hasRoute(route: { method: string; url: string }): boolean;
  route(route: {
    method: string;
    url: string;
    config: object;
    handler: (request: unknown, reply: { callNotFound(): unknown }) => unknown;
  }): unknown;
  /** Looks for the route of a request, and begins from there. */
  routing(req: IncomingMessage, res: ServerResponse): void;
}

/**
 * Fastify finds the route before anything else runs: a request that is to have another one is sent through the router again. Its
 * middleware comes then, its hooks `preParsing` and `preValidation` around the body parsers.
 */
export class FastifyPassage implements Passage {
  readonly prefersLiterals = true;
  private readonly fastify: FastifyInstance;
  private readonly endpoints = new Map<string, TusEndpoint>();

  constructor(adapter: HttpServer) {
    this.fastify = adapter.getInstance() as FastifyInstance;
    this.fastify.addContentTypeParser(UNPARSED, (_request, _payload, done) => done(null));
    this.fastify.addHook('preParsing', (request, reply, _payload, done) =>
      this.beforeParsers(request, reply, done),
    );
    this.fastify.addHook('preValidation', ({ raw }, _reply, done) => {
      const open = exchangeOf(raw);
      if (open) afterParsers(raw, open);
      done();
    });
  }

  forward(req: IncomingMessage, res: ServerResponse, open: OpenExchange, next: Next): void {
    if (!isForeign(open)) hideMediaType(req, open);
    const method = routedMethod(req, open);
    // Its routes end without a slash, unlike the endpoints that clients are given.
    const url = req.url && withoutLastSlash(req.url);
    if (method === req.method && url === req.url) return next();
    req.method = method;
    req.url = url;
    this.fastify.routing(req, res);
  }

  // The hooks are there already, and know when their time has come.
  installAfterParsers(routes: readonly EndpointRoute[]): void {
    for (const { endpoint, url } of routes) this.endpoints.set(url, endpoint);
  }

  /**
   * The hook of `enableCors` is asked before any middleware, and ends every OPTIONS: with 400 when it is no preflight. A route of its
   * own can tell it not to.
   */
  installAfterRoutes(routes: readonly EndpointRoute[]): void {
    for (const { url } of routes) {
      if (this.fastify.hasRoute({ method: 'OPTIONS', url })) continue;
      this.fastify.route({
        method: 'OPTIONS',
        url,
        config: { cors: { preflight: false } },
        // Not reached: the door has answered.
        handler: (_request, reply) => reply.callNotFound(),
      });
    }
  }

  private beforeParsers(request: FastifyRequest, reply: FastifyReply, done: Done): void {
    const { raw } = request;
    const open = exchangeOf(raw);
    if (!open) return this.refuseUnopened(request, reply, done);
    open.route.request = request;
    const allowed = request.is404 ? allowedInstead(open) : undefined;
    if (allowed) {
      takeOver(reply);
      open.handler.refuse(open.exchange, errors.methodNotAllowed(allowed)).catch(done);
      return;
    }
    if (open.exchange.hasBody && !isForeign(open)) raw.headers['content-type'] = UNPARSED;
    done();
  }

  private refuseUnopened({ raw, routeOptions }: FastifyRequest, reply: FastifyReply, done: Done): void {
    const endpoint = this.endpoints.get(routeOptions.url ?? '');
    if (!endpoint) return done();
    endpoint.refuse(raw, takeOver(reply), errors.notFound()).catch(done);
  }
}

function afterParsers(raw: IncomingMessage, open: OpenExchange): void {
  if (raw.headers['content-type'] === UNPARSED) raw.headers['content-type'] = undefined;
  restoreMediaType(raw, open);
}

function withoutLastSlash(target: string): string {
  const path = readTarget(target)?.path ?? '/';
  if (path === '/' || !path.endsWith('/')) return target;
  const query = target.indexOf('?');
  const end = query === -1 ? target.length : query;
  return target.slice(0, end - 1) + target.slice(end);
}
