import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Answers } from './answers.js';
import { holdContinue } from './body/expect-continue.js';
import type { Config } from './config.js';
import { closeBackend } from './close-backend.js';
import { Cors } from './cors.js';
import { DialectSelection } from './dialects/select-dialect.js';
import { TusV1Dialect } from './dialects/tus-v1.js';
import { Engine } from './engine.js';
import { ErrOperationAbandoned, errors, hasCode } from './errors.js';
import { UploadEvents } from './events/upload-events.js';
import { Exchange, type RequestRoute } from './exchange.js';
import { extensionsOf } from './extensions.js';
import { methodOf, operationNameOf } from './method.js';
import { lackOf } from './lock/upload-locks.js';
import { Metrics } from './metrics.js';
import { AwaitedPartials } from './operations/awaited-partials.js';
import {
  expireByApplication,
  interruptByApplication,
  terminateByApplication,
} from './operations/by-application.js';
import type { Outcome } from './operations/operation.js';
import { runOperation } from './operations/run-operation.js';
import { isPipelined, turnOf } from './pipelined.js';
import { asHttpError } from './refusal.js';
import { resolveConfig, type ResolvedConfig } from './resolve-config.js';
import { collectionPathOf, routeOf } from './route.js';
import { Sweeper } from './sweeper.js';

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
  private readonly answers: Answers;
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
    this.answers = new Answers(this.engine, this.cors, this.dialects);
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
        protocol: dialect.protocol,
      },
      {
        respectForwardedHeaders,
        publicBase: basePath.startsWith('/') ? undefined : basePath,
        networkTimeout: this.config.networkTimeout,
        gracefulTimeout: this.config.gracefulRequestCompletionTimeout,
      },
    );
    if (name === 'create') {
      const partialUploadIds = dialect.partialUploadIds?.(exchange);
      exchange.operation = { ...exchange.operation, partialUploadIds };
    }
    this.opened.set(req, exchange);
    this.answers.watch(exchange);
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
      // A refusal lets the rest of the body go.
      exchange.takeEarlyBody();
      deadline.stop();
      res.off('close', onClose);
      this.running.delete(exchange);
      this.metrics.requestsInFlight = this.running.size;
    }
  }

  /** Writes the response of an outcome. Never rejects: where it cannot be written the connection is closed, and the cause logged. */
  respond(exchange: Exchange, outcome: Outcome): Promise<void> {
    return this.answers.respond(exchange, outcome);
  }

  /**
   * Writes the response of an error: an HttpError, Nest's HttpException, or anything else as a 500 that tells nothing. Never rejects: where
   * it cannot be written the connection is closed, and the cause logged.
   */
  async refuse(exchange: Exchange, error: unknown): Promise<void> {
    // Something else ends a request that is running: what has arrived is kept.
    if (this.running.has(exchange)) exchange.stop(asHttpError(error));
    await this.answers.refuse(exchange, error);
  }

  /** Answers OPTIONS, a preflight or not, for any URL of the collection. Never rejects. */
  answerOptions(exchange: Exchange): Promise<void> {
    return this.answers.answerOptions(exchange);
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
  readonly handle: RequestListener = (req, res) =>
    this.answers.guard(req, res, async () => {
      const route = routeOf(req, this.config.basePath);
      const exchange = this.open(req, res, this.routeOrCollection(route));
      // `OPTIONS *` asks what the server can do anywhere.
      if (req.url === '*' && exchange.method === 'OPTIONS') return this.answerOptions(exchange);
      if (route === undefined || route === 'elsewhere') return this.refuse(exchange, errors.notFound());
      await this.answer(exchange);
    });

  /** Creates an upload; for a route of your own, as the following ones. */
  readonly postFile: RequestListener = (req, res) => this.serveAs('POST', req, res);
  /** As `postFile`: the protocol is told by the request, not by the method that is called. */
  readonly postFileV2: RequestListener = (req, res) => this.serveAs('POST', req, res);
  readonly headFile: RequestListener = (req, res) => this.serveAs('HEAD', req, res);
  readonly patchFile: RequestListener = (req, res) => this.serveAs('PATCH', req, res);
  readonly getFile: RequestListener = (req, res) => this.serveAs('GET', req, res);
  readonly delFile: RequestListener = (req, res) => this.serveAs('DELETE', req, res);

  /**
   * Answers OPTIONS, wrong methods and wrong versions itself; the rest goes to `next`: one of the routes above, or your own. What `next`
   * throws is the answer, unless it has begun one: then the connection is closed.
   */
  middleware(next: (req: IncomingMessage, res: ServerResponse) => unknown): RequestListener {
    return (req, res) =>
      this.answers.guard(req, res, async () => {
        const route = routeOf(req, this.config.basePath);
        const exchange = this.open(req, res, this.routeOrCollection(route));
        if (exchange.method === 'OPTIONS') return this.answerOptions(exchange);
        try {
          if (route === undefined) throw errors.notFound();
          this.cors.check(req);
          this.failIfNotAllowed(exchange);
          await this.dialects.settle(exchange, this.engine.store);
          exchange.dialect.read(exchange);
          await next(req, res);
        } catch (error) {
          await this.refuse(exchange, error);
        }
      });
  }

  private serveAs(method: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
    return this.answers.guard(req, res, async () => {
      const route = routeOf(req, this.config.basePath);
      const exchange = this.open(req, res, this.routeOrCollection(route));
      if (route === undefined) return this.refuse(exchange, errors.notFound());
      const isCreation = method === 'POST' && exchange.operation.name === 'create';
      if (exchange.method === method || isCreation) return this.answer(exchange);
      const allow = this.allowedMethods(exchange.route.uploadId !== undefined);
      await this.refuse(exchange, errors.methodNotAllowed(allow));
    });
  }

  /** A route that is not below the base was chosen by the application: it can only mean the collection. */
  private routeOrCollection(route: ReturnType<typeof routeOf>): RequestRoute {
    const isBelow = route !== undefined && route !== 'elsewhere';
    return isBelow ? route : { collectionPath: collectionPathOf(this.config.basePath) };
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
    let outcome: Outcome;
    try {
      outcome = await this.run(exchange);
    } catch (error) {
      return this.refuse(exchange, error);
    }
    await this.respond(exchange, outcome);
  }

  private failIfNotAllowed({ method, route, operation }: Exchange): void {
    if (operation.name === 'create') return;
    const allow = this.allowedMethods(route.uploadId !== undefined);
    if (!allow.split(', ').includes(method)) throw errors.methodNotAllowed(allow);
  }
}
