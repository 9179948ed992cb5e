import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { errors, type HttpError } from '../errors.js';
import { sendContinue } from './expect-continue.js';
import { IdleTimer } from './idle-timer.js';

/** Bytes that wait between the socket and the store before the client is slowed down. */
const HIGH_WATER_MARK = 256 * 1024;

export interface RequestBodyOptions {
  /** Bytes that may be stored; what comes after them is refused. */
  readonly limit: number;
  /** The refusal of a body that is longer. */
  readonly tooLong: () => HttpError;
  /** Milliseconds of silence after which the body is cut. */
  readonly idleTimeout: number;
  /** Sees every chunk that is handed on: a digest. */
  readonly inspect?: (chunk: Buffer) => void;
}

/**
 * The body of a request as a store sees it: limited, timed, counted, and ended by whoever wants the upload next.
 *
 * It ends normally whatever happens to the connection, so that a store keeps what arrived without knowing of sockets;
 * `failure` tells the engine afterwards why it ended early.
 */
export class RequestBody extends Readable {
  /** Bytes handed to the store so far. */
  bytesRead = 0;
  /** Why the body ended before its end; undefined while it has not. */
  failure: HttpError | undefined;
  /** True when the client sent all of it and nothing was left out. */
  isWhole = false;

  private readonly idle: IdleTimer;
  private started = false;
  private over = false;

  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    private readonly options: RequestBodyOptions,
  ) {
    super({ highWaterMark: HIGH_WATER_MARK });
    this.idle = new IdleTimer(options.idleTimeout, () => this.stop(errors.readTimeout()));
  }

  /** Ends the body now. What arrived stays readable, the rest is not read. */
  stop(failure: HttpError): void {
    if (this.over) return;
    this.failure = failure;
    this.finish();
  }

  override _read(): void {
    if (this.over) return;
    if (!this.started) this.start();
    this.idle.resume();
    this.request.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    // A store that destroys its source does not want the rest; the engine answers by what the store said.
    if (!this.over) this.detach();
    callback(error);
  }

  private start(): void {
    this.started = true;
    const { request } = this;
    if (request.destroyed && !request.readableEnded) return this.stop(errors.connectionReset());
    if (request.readableEnded) return this.onEnd();
    request.on('data', this.onData);
    request.on('end', this.onEnd);
    request.on('error', this.onError);
    request.on('close', this.onClose);
    sendContinue(request, this.response);
  }

  private readonly onData = (chunk: Buffer): void => {
    this.idle.touch();
    const room = this.options.limit - this.bytesRead;
    if (chunk.length > room) {
      if (room > 0) this.hand(chunk.subarray(0, room));
      this.stop(this.options.tooLong());
      return;
    }
    this.hand(chunk);
  };

  private hand(chunk: Buffer): void {
    this.bytesRead += chunk.length;
    this.options.inspect?.(chunk);
    if (this.push(chunk)) return;
    // The store is slower than the client: its silence is ours.
    this.request.pause();
    this.idle.suspend();
  }

  private readonly onEnd = (): void => {
    if (this.over) return;
    // A stream of HTTP/2 that its client resets ends, too.
    if (this.request.aborted) return this.stop(errors.unexpectedEOF());
    this.isWhole = true;
    this.finish();
  };

  private readonly onError = (error: Error): void => {
    this.stop(errors.connectionReset(error));
  };

  private readonly onClose = (): void => {
    this.stop(errors.unexpectedEOF());
  };

  private finish(): void {
    this.detach();
    this.push(null);
  }

  private detach(): void {
    this.over = true;
    this.idle.stop();
    const { request } = this;
    request.off('data', this.onData);
    request.off('end', this.onEnd);
    request.off('close', this.onClose);
    // The error listener stays: an error that comes later must not end the process.
    if (!this.isWhole) request.pause();
  }
}
