import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import { errors } from '@nestjs-tus/core';
import { exchangeOf } from './exchanges.js';
import type { OpenExchange } from './exchanges.js';
import { matchPattern, pathnameOf } from './path-pattern.js';
import type { PathMatch, PathPattern } from './path-pattern.js';
import type { TusEndpoint } from './tus-endpoint.js';

/** An endpoint at its place in the app. */
export interface MountedEndpoint {
  readonly endpoint: TusEndpoint;
  /** Asked at the first request, when prefix and versions are settled. */
  readonly patterns: () => readonly PathPattern[];
}

type Next = (error?: unknown) => void;

/**
 * What has to happen around Nest's router, for all endpoints of an app:
 *
 * - before body parsers: opens the exchange, answers OPTIONS (`enableCors` would swallow it), routes overridden methods, and hides
 *   the media type, so that a parser does not eat a body of application/json
 * - after body parsers: gives the media type back
 * - after the routes: answers 405 for what the app has no route for
 */
export class FrontDoor {
  private static readonly doors = new WeakMap<object, FrontDoor>();

  private readonly endpoints: MountedEndpoint[] = [];
  private hasInner = false;
  private hasLast = false;
  private server: Server | undefined;

  private constructor(private readonly adapter: HttpServer) {
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

  /** @throws Error when two endpoints have one path: the second would never be asked */
  refuseSharedPaths(): void {
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

  /** Call it when the body parsers are in place and the routes are not. */
  installAfterParsers(): void {
    if (this.hasInner || !this.isExpress) return;
    this.hasInner = true;
    this.adapter.use((req: IncomingMessage, _res: ServerResponse, next: Next) => {
      restoreMediaType(req);
      next();
    });
  }

  /** Call it when the routes are in place and the handler of what is not found is not. */
  installAfterRoutes(): void {
    if (this.hasLast || !this.isExpress) return;
    this.hasLast = true;
    this.adapter.use((req: IncomingMessage, _res: ServerResponse, next: Next) =>
      refuseUnroutedMethod(req, next),
    );
  }

  /** Holds 100 (Continue) back from uploads until they are accepted. @returns false when it was done before */
  attach(server: Server, { handler }: TusEndpoint): boolean {
    if (this.server === server) return false;
    this.server = server;
    handler.acceptContinue(server, (req) => this.find(req.url ?? '/') !== undefined);
    return true;
  }

  private get isExpress(): boolean {
    return this.adapter.getType?.() === 'express';
  }

  private enter(req: IncomingMessage, res: ServerResponse, next: Next): void {
    const found = this.find(req.url ?? '/');
    if (!found) return next();
    const open = found.endpoint.open(req, res, found.match.uploadId, req);
    const { handler, exchange } = open;
    if (exchange.method === 'OPTIONS') return settle(handler.answerOptions(exchange), next);
    if (found.match.isMalformed) return settle(handler.refuse(exchange, errors.notFound()), next);
    // The POST routes take whatever the override says; the router must not look for the method that is to be ignored. The draft
    // creates by PUT, too.
    if (exchange.method !== req.method || exchange.operation.name === 'create') req.method = 'POST';
    hideMediaType(req, open);
    next();
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

// Set to undefined, not deleted: that would make every later look at the headers slow.
function hideMediaType(req: IncomingMessage, open: OpenExchange): void {
  open.hiddenMediaType = req.headers['content-type'];
  if (open.hiddenMediaType !== undefined) req.headers['content-type'] = undefined;
}

function restoreMediaType(req: IncomingMessage): void {
  const open = exchangeOf(req);
  if (open?.hiddenMediaType === undefined) return;
  req.headers['content-type'] = open.hiddenMediaType;
  open.hiddenMediaType = undefined;
}

function refuseUnroutedMethod(req: IncomingMessage, next: Next): void {
  const open = exchangeOf(req);
  if (!open) return next();
  const { handler, exchange } = open;
  const allowed = handler.allowedMethods(exchange.route.uploadId !== undefined);
  // The method exists, and still no route took it: the version in a header, say. Nest's own 404 is right.
  if (allowed.split(', ').includes(exchange.method)) return next();
  settle(handler.refuse(exchange, errors.methodNotAllowed(allowed)), next);
}
