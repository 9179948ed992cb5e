import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import { errors, readTarget } from '@nestjs-tus/core';
import { ExpressPassage } from './express-passage.js';
import { FastifyPassage } from './fastify-passage.js';
import { isForeign } from './passage.js';
import type { EndpointRoute, Next, Passage } from './passage.js';
import { exemptFromRequestTimeout } from './request-timeout.js';
import { collectionPathOf, literalFirst, matchPattern } from './path-pattern.js';
import type { PathMatch, PathPattern } from './path-pattern.js';
import { targetOf } from './raw.js';
import { describeLimits, raiseHeaderLimit } from './server-limits.js';
import type { TusEndpoint } from './tus-endpoint.js';

/** An endpoint at its place in the app. */
export interface MountedEndpoint {
  readonly endpoint: TusEndpoint;
  /** Asked at the first request, when prefix and versions are settled. */
  readonly patterns: () => readonly PathPattern[];
  /** Called when the app has its global interceptors, and the routes are not in place. */
  readonly guardAnswers: () => void;
}

/** A request for an endpoint. */
interface FoundEndpoint {
  readonly endpoint: TusEndpoint;
  readonly match: PathMatch;
  /** Path of the creation URL as the client sees it, with a slash at the end. */
  readonly collectionPath: string;
}

/**
 * What has to happen around Nest's router, for all endpoints of an app: before everything else it reads the target, once for guards and
 * engine, and opens the exchange; it answers OPTIONS (`enableCors` would swallow it) and sends overridden methods to their routes. The
 * passage behind it keeps body parsers from the body, answers 404 for what the router takes for an endpoint's and the door does not, and
 * 405 for what the app has no route for.
 */
export class FrontDoor {
  private static readonly doors = new WeakMap<object, FrontDoor>();

  private readonly endpoints: MountedEndpoint[] = [];
  /** The patterns of all endpoints, in the order in which the router would try them. */
  private ordered: readonly { endpoint: TusEndpoint; pattern: PathPattern }[] | undefined;
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
    this.ordered = undefined;
  }

  /**
   * Call it when the body parsers are in place and the routes are not.
   * @throws Error when two endpoints have one path
   */
  prepareRoutes(): void {
    this.refuseSharedPaths();
    for (const { guardAnswers } of this.endpoints) guardAnswers();
    this.passage.installAfterParsers(this.routes);
  }

  /** Call it when the routes are in place and the handler of what is not found is not. */
  installAfterRoutes(): void {
    this.passage.installAfterRoutes(this.routes);
  }

  /** Holds 100 (Continue) back from uploads until they are accepted, and keeps the server from cutting long ones. */
  attach(server: Server, { handler }: TusEndpoint): void {
    // Once for a server, however many endpoints it has.
    if (this.server === server) return;
    this.server = server;
    raiseHeaderLimit(server);
    handler.config.logger.log(`the app's server: ${describeLimits(server)}`);
    handler.acceptContinue(server, (req) => this.find(req) !== undefined);
    exemptFromRequestTimeout(server, (socket) => this.bodies.get(socket)?.complete === false);
  }

  private get routes(): EndpointRoute[] {
    return this.endpoints.flatMap(({ endpoint, patterns }) =>
      patterns().flatMap(({ source }) => [
        { endpoint, url: source },
        { endpoint, url: `${source === '/' ? '' : source}/:id` },
      ]),
    );
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
    const found = this.find(req);
    if (!found) return next();
    const { endpoint, match, collectionPath } = found;
    const open = endpoint.open(req, res, { uploadId: match.uploadId, collectionPath, request: req });
    const { handler, exchange } = open;
    if (exchange.method === 'OPTIONS') return settle(handler.answerOptions(exchange), next);
    if (match.isMalformed) return settle(handler.refuse(exchange, errors.notFound()), next);
    // What is the app's own affair has the server's time, and no other.
    if (exchange.hasBody && !isForeign(open)) this.bodies.set(req.socket, req);
    this.passage.forward(req, res, open, next);
  }

  private find(req: IncomingMessage): FoundEndpoint | undefined {
    const target = readTarget(req.url ?? '');
    const sent = targetOf(req) === req.url ? target : readTarget(targetOf(req));
    if (!target || !sent) return undefined;
    this.ordered ??= this.inOrder();
    for (const { endpoint, pattern } of this.ordered) {
      const match = matchPattern(pattern, target.segments);
      if (!match) continue;
      const collectionPath = collectionPathOf(sent.path, match.uploadId !== undefined);
      return { endpoint, match, collectionPath };
    }
    return undefined;
  }

  private inOrder(): { endpoint: TusEndpoint; pattern: PathPattern }[] {
    const all = this.endpoints.flatMap(({ endpoint, patterns }) =>
      patterns().map((pattern) => ({ endpoint, pattern })),
    );
    return this.passage.prefersLiterals ? all.sort((a, b) => literalFirst(a.pattern, b.pattern)) : all;
  }
}

function settle(answer: Promise<void>, next: Next): void {
  answer.catch(next);
}
