import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import { errors } from '@nestjs-tus/core';
import { ExpressPassage } from './express-passage.js';
import { FastifyPassage } from './fastify-passage.js';
import type { Next, Passage } from './passage.js';
import { exemptFromRequestTimeout } from './request-timeout.js';
import { matchPattern, pathnameOf } from './path-pattern.js';
import type { PathMatch, PathPattern } from './path-pattern.js';
import { describeLimits, raiseHeaderLimit } from './server-limits.js';
import type { TusEndpoint } from './tus-endpoint.js';

/** An endpoint at its place in the app. */
export interface MountedEndpoint {
  readonly endpoint: TusEndpoint;
  /** Asked at the first request, when prefix and versions are settled. */
  readonly patterns: () => readonly PathPattern[];
}

/**
 * What has to happen around Nest's router, for all endpoints of an app: before everything else it opens the exchange, answers
 * OPTIONS (`enableCors` would swallow it) and sends overridden methods to their routes. The passage behind it keeps body parsers from
 * the body, and answers 405 for what the app has no route for.
 */
export class FrontDoor {
  private static readonly doors = new WeakMap<object, FrontDoor>();

  private readonly endpoints: MountedEndpoint[] = [];
  private readonly passage: Passage;
  /** The last upload request of a connection that brought a body. */
  private readonly bodies = new WeakMap<object, IncomingMessage>();
  private server: Server | undefined;

  private constructor(adapter: HttpServer) {
    this.passage =
      adapter.getType?.() === 'fastify' ? new FastifyPassage(adapter) : new ExpressPassage(adapter);
    adapter.use((req: IncomingMessage, res: ServerResponse, next: Next) => this.enter(req, res, next));
  }

  /** The door of an adapter; made, and put before everything else, when it is first asked for. */
  static of(adapter: HttpServer): FrontDoor {
    const door = FrontDoor.doors.get(adapter) ?? new FrontDoor(adapter);
    FrontDoor.doors.set(adapter, door);
    return door;
  }

  add(endpoint: MountedEndpoint): void {
    this.endpoints.push(endpoint);
  }

  /**
   * Call it when the body parsers are in place and the routes are not.
   * @throws Error when two endpoints have one path
   */
  prepareRoutes(): void {
    this.refuseSharedPaths();
    this.passage.installAfterParsers();
  }

  /** Call it when the routes are in place and the handler of what is not found is not. */
  installAfterRoutes(): void {
    this.passage.installAfterRoutes(this.endpoints.flatMap(({ patterns }) => patterns()));
  }

  /** Holds 100 (Continue) back from uploads until they are accepted, and keeps the server from cutting long ones. */
  attach(server: Server, { handler }: TusEndpoint): void {
    // Once for a server, however many endpoints it has.
    if (this.server === server) return;
    this.server = server;
    raiseHeaderLimit(server);
    handler.config.logger.log(`the app's server: ${describeLimits(server)}`);
    handler.acceptContinue(server, (req) => this.find(req.url ?? '/') !== undefined);
    exemptFromRequestTimeout(server, (socket) => this.bodies.get(socket)?.complete === false);
  }

  // The second would never be asked.
  private refuseSharedPaths(): void {
    const owners = new Map<string, string>();
    for (const { endpoint, patterns } of this.endpoints) {
      for (const { source } of patterns()) {
        const owner = owners.get(source);
        if (owner) {
          throw new Error(
            `TusModule "${owner}" and "${endpoint.name}" both serve ${source}: give one another path`,
          );
        }
        owners.set(source, endpoint.name);
      }
    }
  }

  private enter(req: IncomingMessage, res: ServerResponse, next: Next): void {
    const found = this.find(req.url ?? '/');
    if (!found) return next();
    const open = found.endpoint.open(req, res, found.match.uploadId, req);
    const { handler, exchange } = open;
    if (exchange.method === 'OPTIONS') return settle(handler.answerOptions(exchange), next);
    if (found.match.isMalformed) return settle(handler.refuse(exchange, errors.notFound()), next);
    if (exchange.hasBody) this.bodies.set(req.socket, req);
    this.passage.forward(req, res, open, next);
  }

  private find(target: string): { endpoint: TusEndpoint; match: PathMatch } | undefined {
    const pathname = pathnameOf(target).split('/');
    for (const { endpoint, patterns } of this.endpoints) {
      for (const pattern of patterns()) {
        const match = matchPattern(pattern, pathname);
        if (match) return { endpoint, match };
      }
    }
    return undefined;
  }
}

function settle(answer: Promise<void>, next: Next): void {
  answer.catch(next);
}
