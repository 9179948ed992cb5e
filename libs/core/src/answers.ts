import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cors } from './cors.js';
import type { DialectSelection } from './dialects/select-dialect.js';
import type { Engine } from './engine.js';
import type { HttpError } from './errors.js';
import type { Exchange } from './exchange.js';
import { addFields, hasField, mergeFields, replaceFields } from './headers/field-list.js';
import { faultsOf } from './http-error.js';
import { formatPairs } from './log-event.js';
import type { Outcome } from './operations/operation.js';
import { asHttpError, isUnexpected } from './refusal.js';
import { withHook, type ResponseHead } from './response.js';
import { breakConnection, writeResponse } from './write-response.js';

/**
 * Everything that the engine answers goes out here. Nothing here rejects: where an answer cannot be written the connection is closed, so
 * that its client does not wait, and the cause is logged once.
 */
export class Answers {
  private readonly complained = new WeakSet<Exchange>();

  constructor(
    private readonly engine: Engine,
    private readonly cors: Cors,
    private readonly dialects: DialectSelection,
  ) {}

  /** What happens to a response outside our calls, a write after its end by something else, say, would end the process. */
  watch(exchange: Exchange): void {
    exchange.res.on('error', (error) => this.giveUp(exchange, error));
  }

  /** Writes the response of an outcome. Never rejects: where it cannot be written the connection is closed, and the cause logged. */
  async respond(exchange: Exchange, outcome: Outcome): Promise<void> {
    let head: ResponseHead;
    try {
      const written = exchange.dialect.write(exchange, outcome);
      head = 'response' in outcome ? withHook(written, outcome.response) : written;
    } catch (error) {
      if ('body' in outcome) outcome.body?.destroy();
      return this.refuse(exchange, error);
    }
    await this.write(exchange, head);
  }

  /**
   * Writes the response of an error: an HttpError, Nest's HttpException, or anything else as a 500 that tells nothing. Never rejects: where
   * it cannot be written the connection is closed, and the cause logged.
   */
  async refuse(exchange: Exchange, error: unknown): Promise<void> {
    // Our own answer is complete, or its stream has been broken: only the log can tell why.
    if (exchange.isAnswered) return this.complain(exchange, error);
    if (exchange.res.headersSent) return this.giveUp(exchange, error);
    try {
      await this.writeRefusal(exchange, asHttpError(error));
    } catch (cause) {
      this.giveUp(exchange, cause);
    }
  }

  private async writeRefusal(exchange: Exchange, told: HttpError): Promise<void> {
    const faults = faultsOf(told);
    if (faults.length > 0) {
      this.engine.logger.error(
        describing(exchange, `is refused without what cannot be sent: ${faults.join('; ')}`),
      );
    }
    const refusal = withoutServerError(exchange, told);
    if (isUnexpected(told)) {
      this.engine.logger.error(describing(exchange, `failed: ${told.code}`), told.cause);
    } else {
      this.engine.debug(
        'RequestRefused',
        exchange,
        ...['method', exchange.method, 'path', exchange.req.url ?? ''],
        ...['status', String(refusal.status), 'code', refusal.code],
      );
    }
    this.engine.metrics.errorsTotal.add(refusal);
    const head = exchange.dialect.refuse(exchange, refusal);
    const body = head.body ?? refusal.body ?? `${refusal.code}: ${refusal.message}\n`;
    const headers = replaceFields(head.headers, refusal.header);
    if (!hasField(headers, 'Content-Type')) headers.push('Content-Type', 'text/plain; charset=utf-8');
    await this.write(exchange, {
      status: head.status,
      headers,
      body: exchange.method === 'HEAD' ? '' : body,
    });
  }

  /** Answers OPTIONS, a preflight or not, for any URL of the collection. Never rejects. */
  async answerOptions(exchange: Exchange): Promise<void> {
    let head: ResponseHead;
    try {
      this.cors.check(exchange.req);
      head = this.dialects.discover(exchange);
    } catch (error) {
      return this.refuse(exchange, error);
    }
    await this.write(exchange, head);
  }

  /** The one way out of the engine. Never rejects. */
  private async write(exchange: Exchange, head: ResponseHead): Promise<void> {
    const giveUp = (error: unknown) => this.giveUp(exchange, error);
    try {
      const cors = this.cors.headersFor(exchange.req, exchange.method === 'OPTIONS' ? 'preflight' : 'actual');
      const headers = addFields(head.headers, ['X-Content-Type-Options', 'nosniff', ...cors]);
      await writeResponse(exchange, { ...head, headers }, giveUp);
    } catch (error) {
      if (typeof head.body === 'object') head.body.destroy();
      giveUp(error);
    }
  }

  /** Where nothing can be answered any more: closes the connection, so that its client does not wait, and says why. */
  private giveUp(exchange: Exchange, error: unknown): void {
    exchange.isAnswered = true;
    this.complain(exchange, error);
    breakConnection(exchange.req, exchange.res);
  }

  /** Once for a request: what follows from the first failure says no more. */
  private complain(exchange: Exchange, error: unknown): void {
    if (this.complained.has(exchange)) return;
    this.complained.add(exchange);
    const what = exchange.res.headersSent ? 'failed after its answer had begun' : 'could not be answered';
    this.engine.logger.error(describing(exchange, what), error);
  }

  /** Runs what a route does. Never rejects: what it throws closes the connection, and is logged. */
  async guard(req: IncomingMessage, res: ServerResponse, work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.engine.logger.error(`${req.method ?? ''} ${req.url ?? ''} could not be answered`, error);
      breakConnection(req, res);
    }
  }
}

/**
 * tus-js-client forgets an upload's URL, and starts again at byte 0, when HEAD fails with anything but 423: what passes by itself
 * must not look like an end.
 */
function withoutServerError(exchange: Exchange, error: HttpError): HttpError {
  if (exchange.method !== 'HEAD' || error.status < 500) return error;
  return error.with({ statusCode: 423, header: mergeFields({ 'Retry-After': '1' }, error.header) });
}

/** `PATCH /files/f00 failed … id="f00" requestId="4711"` */
function describing(exchange: Exchange, what: string): string {
  const { method, req, logDetails } = exchange;
  return [method, req.url ?? '', what, ...(logDetails.length > 0 ? [formatPairs(logDetails)] : [])].join(' ');
}
