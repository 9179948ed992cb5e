import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { holdContinue } from './body/expect-continue.js';
import type { Config } from './config.js';
import { closeBackend } from './close-backend.js';
import { Cors } from './cors.js';
import { DialectSelection } from './dialects/select-dialect.js';
import { TusV1Dialect } from './dialects/tus-v1.js';
import { Engine } from './engine.js';
import { ErrOperationAbandoned, errors, hasCode, type HttpError } from './errors.js';
import { UploadEvents } from './events/upload-events.js';
import { Exchange, type RequestRoute } from './exchange.js';
import { extensionsOf } from './extensions.js';
import { methodOf, operationNameOf } from './method.js';
import { formatPairs } from './log-event.js';
import { lackOf } from './lock/upload-locks.js';
import { Metrics } from './metrics.js';
import { AwaitedPartials } from './operations/awaited-partials.js';
import {
  expireByApplication,
  interruptByApplication,
  terminateByApplication,
} from './operations/by-application.js';
import type { Outcome } from './operations/operation.js';
import { peekPartialIds } from './operations/peek-partials.js';
import { runOperation } from './operations/run-operation.js';
import { isPipelined, turnOf } from './pipelined.js';
import { asHttpError, isUnexpected } from './refusal.js';
import { resolveConfig, type ResolvedConfig } from './resolve-config.js';
import type { ResponseHead } from './response.js';
import { collectionPathOf, routeOf } from './route.js';
import { Sweeper } from './sweeper.js';
import { writeResponse } from './write-response.js';

/** Answers a request of `node:http`. */
export type RequestListener = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

/**
 * The resumable-upload server for plain `node:http`, and for frameworks on top of it.
 *
 * A request goes through four steps: `open` reads what it is about, `run` does it and yields an outcome, `respond` writes the
 * outcome, `refuse` writes an error instead. `handle` takes all of them, with routing below `basePath`; `postFile`, `headFile` and
 * the others take them for one route that something else has chosen.
 *
 * @example
 * const handler = new TusHandler({ storeComposer: StoreComposer.of(new MemoryStore(), new MemoryLocker()) });
 * await handler.init();
 * createServer((req, res) => void handler.handle(req, res)).listen(8080);
 */
export class TusHandler {
  readonly config: ResolvedConfig;
  readonly metrics = new Metrics();
  readonly events: UploadEvents;

  private readonly engine: Engine;
  private readonly cors: Cors;
  private readonly dialects: DialectSelection;
  private readonly sweeper: Sweeper;
  private readonly opened = new WeakMap<IncomingMessage, Exchange>();
  private readonly running = new Map<Exchange, Promise<Outcome>>();
  private draining: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  /** @throws TypeError that names the option that is wrong, and says what to write instead */
  constructor(config: Config) {
    this.config = resolveConfig(config);
    this.events = new UploadEvents(this.config.logger);
    const { core } = this.config.storeComposer;
    if (!core) throw new TypeError('storeComposer has no core store');
    this.engine = new Engine(this.config, core, this.events, this.metrics, new AwaitedPartials());
    const verifies = this.engine.composer.usesVerifier;
    const tus = new TusV1Dialect({ config: this.config, extensions: this.supportedExtensions(), verifies });
    const offersDraft = this.offersDraft();
    this.dialects = new DialectSelection(tus, offersDraft ? { config: this.config, verifies } : undefined);
    this.cors = new Cors(this.config.cors, { offersDraft });
    this.sweeper = new Sweeper(this.engine);
  }

  /** The tus extensions that are offered, comma-separated: what the composer has, less what is disabled. */
  supportedExtensions(): string {
    return extensionsOf(this.engine);
  }

  /** Prepares the store and starts the sweeper. Rejects with a text for the operator when the store cannot be used. */
  async init(): Promise<void> {
    await this.engine.store.init?.();
    const { locker } = this.engine.composer;
    await locker?.init?.();
    for (const lack of locker ? lackOf(locker) : []) this.config.logger.log(`the locker has ${lack}`);
    this.sweeper.start();
  }

  /**
   * Calls the postFinish hook for what an earlier process has finished and not told. Call it once, when the application is ready
   * for its hooks: after `listen`. Resolves when all of it is found, not when it is told.
   */
  async resume(): Promise<void> {
    await this.engine.outbox.resume();
  }

  /** Removes what has expired, now. @returns how many uploads */
  sweep(): Promise<number> {
    return this.sweeper.sweep();
  }

  /**
   * Lets running requests end: their bodies are read no further, what arrived is committed, they are answered (503), their locks are
   * released; later requests are refused. The sweep, joins and postFinish hooks end, too; what hooks do not manage is left to the next start.
   * What is not over after `gracefulRequestCompletionTimeout` is waited for no longer. For frameworks that then close their server, and call
   * `shutdown` after that: downloads read the store until their connections are closed.
   */
  drain(): Promise<void> {
    return (this.draining ??= this.drainNow());
  }

  /** `drain`, and then closes the store and the locker, each once, also when the other fails: that is logged. Never rejects. */
  shutdown(): Promise<void> {
    return (this.closing ??= this.drain().then(() => closeBackend(this.engine)));
  }

  private async drainNow(): Promise<void> {
    const { engine } = this;
    engine.isShuttingDown = true;
    engine.ending.start('the shutdown began');
    for (const exchange of this.running.keys()) {
      exchange.deadline.start('the shutdown began');
      exchange.stop(errors.serverShutdown());
    }
    const steps = Promise.allSettled([
      this.sweeper.stop(),
      engine.lateJoins.close(),
      ...this.running.values(),
      engine.outbox.close(this.config.gracefulRequestCompletionTimeout),
    ]);
    try {
      await engine.ending.within(steps);
    } catch (error) {
      this.config.logger.warn('the time for ending is up; what still runs is left alone', error);
    } finally {
      engine.ending.stop();
    }
  }

  /** Makes `server` send 100 (Continue) to upload requests only when they are accepted. Call it once per server. */
  acceptContinue(server: Server, isUploadRequest: (req: IncomingMessage) => boolean): void {
    holdContinue(server, isUploadRequest);
  }

  /** @see terminateByApplication */
  terminate(uploadId: string): Promise<void> {
    return terminateByApplication(this.engine, uploadId);
  }

  /** @see interruptByApplication */
  interrupt(uploadId: string): Promise<void> {
    return interruptByApplication(this.engine, uploadId);
  }

  /** @see expireByApplication */
  expire(uploadId: string): Promise<boolean> {
    return expireByApplication(this.engine, uploadId);
  }

  // ── Steps, for frameworks ────────────────────────────────────────────────────────────────────

  /** Reads what a request is about. The same request gives the same exchange. Does no I/O and never throws. */
  open(req: IncomingMessage, res: ServerResponse, route: RequestRoute): Exchange {
    const known = this.opened.get(req);
    if (known) return known;
    const method = methodOf(req);
    this.metrics.countRequest(method);
    const dialect = this.dialects.choose(req, method);
    const isCreation = route.uploadId === undefined && dialect.creationMethods.includes(method);
    const name = isCreation ? 'create' : operationNameOf(method, route.uploadId !== undefined);
    const partialUploadIds = name === 'create' ? peekPartialIds(req) : undefined;
    const { basePath, respectForwardedHeaders } = this.config;
    const exchange = new Exchange(
      req,
      res,
      route,
      method,
      dialect,
      {
        name: name ?? 'discover',
        uploadId: route.uploadId,
        partialUploadIds,
        protocol: dialect.protocol,
      },
      {
        respectForwardedHeaders,
        publicBase: basePath.startsWith('/') ? undefined : basePath,
        networkTimeout: this.config.networkTimeout,
        gracefulTimeout: this.config.gracefulRequestCompletionTimeout,
      },
    );
    this.opened.set(req, exchange);
    return exchange;
  }

  /** Does what the request asks for. @throws HttpError for `refuse` */
  async run(exchange: Exchange): Promise<Outcome> {
    this.cors.check(exchange.req);
    this.failIfNotAllowed(exchange);
    if (isPipelined(exchange.req, exchange.res)) await turnOf(exchange.req, exchange.res);
    await this.dialects.settle(exchange, this.engine.store);
    const request = exchange.dialect.read(exchange);
    if (this.engine.isShuttingDown) throw errors.serverShutdown();
    const { deadline, res } = exchange;
    const onClose = () => deadline.start('its client had gone');
    if (exchange.isGone) onClose();
    res.once('close', onClose);
    const running = deadline.within(runOperation(this.engine, exchange, request));
    this.running.set(exchange, running);
    this.metrics.requestsInFlight = this.running.size;
    try {
      return await running;
    } catch (error) {
      // What was left alone reads no further.
      if (hasCode(error, ErrOperationAbandoned)) exchange.stop(errors.abandoned(error));
      throw error;
    } finally {
      deadline.stop();
      res.off('close', onClose);
      this.running.delete(exchange);
      this.metrics.requestsInFlight = this.running.size;
    }
  }

  /** Writes the response of an outcome. */
  async respond(exchange: Exchange, outcome: Outcome): Promise<void> {
    const head = exchange.dialect.write(exchange, outcome);
    await this.write(exchange, 'response' in outcome ? withHook(head, outcome.response) : head);
  }

  /** Writes the response of an error: an HttpError, Nest's HttpException, or anything else as a 500 that tells nothing. */
  async refuse(exchange: Exchange, error: unknown): Promise<void> {
    if (exchange.isAnswered) {
      // The head is out: the connection was broken instead, and only the log can tell why.
      this.config.logger.error(describing(exchange, 'failed after its answer had begun'), error);
      return;
    }
    const refusal = withoutServerError(exchange, asHttpError(error));
    if (isUnexpected(refusal)) {
      this.config.logger.error(describing(exchange, `failed: ${refusal.code}`), refusal.cause);
    } else {
      this.engine.debug(
        'RequestRefused',
        exchange,
        ...['method', exchange.method, 'path', exchange.req.url ?? ''],
        ...['status', String(refusal.status), 'code', refusal.code],
      );
    }
    this.metrics.errorsTotal.add(refusal);
    const head = exchange.dialect.refuse(exchange, refusal);
    const body = head.body ?? refusal.body ?? `${refusal.code}: ${refusal.message}\n`;
    const own = Object.entries(refusal.header).flat();
    const hasType = head.body !== undefined || refusal.header['Content-Type'] !== undefined;
    const type = hasType ? [] : ['Content-Type', 'text/plain; charset=utf-8'];
    await this.write(exchange, {
      status: head.status,
      headers: [...head.headers, ...own, ...type],
      body: exchange.method === 'HEAD' ? '' : body,
    });
  }

  /** Answers OPTIONS, a preflight or not, for any URL of the collection. */
  async answerOptions(exchange: Exchange): Promise<void> {
    try {
      this.cors.check(exchange.req);
    } catch (error) {
      return this.refuse(exchange, error);
    }
    await this.write(exchange, this.dialects.discover(exchange));
  }

  /** Methods that a URL has, as Allow lists them. */
  allowedMethods(isUpload: boolean): string {
    if (!isUpload) return 'OPTIONS, POST';
    const { disableDownload, disableTermination } = this.config;
    const terminates = this.engine.composer.usesTerminater && !disableTermination;
    return [
      'OPTIONS',
      'HEAD',
      'PATCH',
      ...(disableDownload ? [] : ['GET']),
      ...(terminates ? ['DELETE'] : []),
    ].join(', ');
  }

  // ── Plain node:http ──────────────────────────────────────────────────────────────────────────

  /** Answers any request below `basePath`; 404 elsewhere. */
  readonly handle: RequestListener = async (req, res) => {
    const route = routeOf(req, this.config.basePath);
    const exchange = this.open(req, res, route ?? { collectionPath: collectionPathOf(this.config.basePath) });
    // `OPTIONS *` asks what the server can do anywhere.
    if (req.url === '*' && exchange.method === 'OPTIONS') return this.answerOptions(exchange);
    if (!route) return this.refuse(exchange, errors.notFound());
    await this.answer(exchange);
  };

  /** Creates an upload; for a route of your own, as the following ones. */
  readonly postFile: RequestListener = (req, res) => this.serveAs('POST', req, res);
  /** As `postFile`: the protocol is told by the request, not by the method that is called. */
  readonly postFileV2: RequestListener = (req, res) => this.serveAs('POST', req, res);
  readonly headFile: RequestListener = (req, res) => this.serveAs('HEAD', req, res);
  readonly patchFile: RequestListener = (req, res) => this.serveAs('PATCH', req, res);
  readonly getFile: RequestListener = (req, res) => this.serveAs('GET', req, res);
  readonly delFile: RequestListener = (req, res) => this.serveAs('DELETE', req, res);

  /** Answers OPTIONS, wrong methods and wrong versions itself; the rest goes to `next`: one of the routes above, or your own. */
  middleware(next: (req: IncomingMessage, res: ServerResponse) => unknown): RequestListener {
    return async (req, res) => {
      const route = routeOf(req, this.config.basePath) ?? {
        collectionPath: collectionPathOf(this.config.basePath),
      };
      const exchange = this.open(req, res, route);
      if (exchange.method === 'OPTIONS') return this.answerOptions(exchange);
      try {
        this.cors.check(req);
        this.failIfNotAllowed(exchange);
        await this.dialects.settle(exchange, this.engine.store);
        exchange.dialect.read(exchange);
      } catch (error) {
        return this.refuse(exchange, error);
      }
      await next(req, res);
    };
  }

  private async serveAs(method: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const route = routeOf(req, this.config.basePath) ?? {
      collectionPath: collectionPathOf(this.config.basePath),
    };
    const exchange = this.open(req, res, route);
    const isCreation = method === 'POST' && exchange.operation.name === 'create';
    if (exchange.method !== method && !isCreation) {
      return this.refuse(
        exchange,
        errors.methodNotAllowed(this.allowedMethods(route.uploadId !== undefined)),
      );
    }
    await this.answer(exchange);
  }

  /** A draft upload with all its bytes may be incomplete: a store that cannot write that down cannot offer the draft. */
  private offersDraft(): boolean {
    if (!this.config.enableExperimentalProtocol) return false;
    if (this.engine.composer.usesUpdater) return true;
    this.config.logger.warn(
      'enableExperimentalProtocol has no effect: the store cannot change what is known of an upload (asUpdatableUpload)',
    );
    return false;
  }

  private async answer(exchange: Exchange): Promise<void> {
    if (exchange.method === 'OPTIONS') return this.answerOptions(exchange);
    try {
      await this.respond(exchange, await this.run(exchange));
    } catch (error) {
      await this.refuse(exchange, error);
    }
  }

  private failIfNotAllowed({ method, route, operation }: Exchange): void {
    if (operation.name === 'create') return;
    const allow = this.allowedMethods(route.uploadId !== undefined);
    if (!allow.split(', ').includes(method)) throw errors.methodNotAllowed(allow);
  }

  private async write(exchange: Exchange, head: ResponseHead): Promise<void> {
    const cors = this.cors.headersFor(exchange.req, exchange.method === 'OPTIONS' ? 'preflight' : 'actual');
    const headers = [...head.headers, 'X-Content-Type-Options', 'nosniff', ...cors];
    await writeResponse(exchange, { ...head, headers });
  }
}

/**
 * tus-js-client forgets an upload's URL, and starts again at byte 0, when HEAD fails with anything but 423: what passes by itself
 * must not look like an end.
 */
function withoutServerError(exchange: Exchange, error: HttpError): HttpError {
  if (exchange.method !== 'HEAD' || error.status < 500) return error;
  return error.with({ statusCode: 423, header: { 'Retry-After': error.header['Retry-After'] ?? '1' } });
}

function withHook(
  head: ResponseHead,
  response: { statusCode?: number; header?: Readonly<Record<string, string>>; body?: string } | undefined,
): ResponseHead {
  if (!response) return head;
  const { statusCode = head.status, header = {}, body = head.body } = response;
  const replaced = new Set(Object.keys(header).map((name) => name.toLowerCase()));
  const kept: string[] = [];
  for (let index = 0; index < head.headers.length; index += 2) {
    const [name = '', value = ''] = head.headers.slice(index, index + 2);
    if (!replaced.has(name.toLowerCase())) kept.push(name, value);
  }
  return { status: statusCode, headers: [...kept, ...Object.entries(header).flat()], body };
}

/** `PATCH /files/f00 failed … id="f00" requestId="4711"` */
function describing(exchange: Exchange, what: string): string {
  const { method, req, logDetails } = exchange;
  return [method, req.url ?? '', what, ...(logDetails.length > 0 ? [formatPairs(logDetails)] : [])].join(' ');
}
