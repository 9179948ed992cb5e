import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { errors, type HttpError } from '../errors.js';
import { sendContinue } from './expect-continue.js';
import { IdleTimer } from './idle-timer.js';
import { isSmallPiece, WaitingPieces } from './waiting-pieces.js';

/** Bytes that wait between the socket and the store before the client is slowed down. */
const HIGH_WATER_MARK = 256 * 1024;
/** When no more wait, the client may go on. */
const LOW_WATER_MARK = HIGH_WATER_MARK / 2;
/** What has been read of the socket already comes on top of them. */
const MOST_WAITING = 4 * HIGH_WATER_MARK;

export interface RequestBodyOptions {
  /** Bytes that may be stored; what comes after them is refused. */
  readonly limit: number;
  /** The refusal of a body that is longer. */
  readonly tooLong: () => HttpError;
  /** Milliseconds of silence after which the body is cut. */
  readonly idleTimeout: number;
  /** Takes what came before, while the request had to wait. Called when the reading begins. */
  readonly takeEarly?: () => WaitingPieces | undefined;
  /** Sees every chunk that is handed on: a digest. */
  readonly inspect?: (chunk: Buffer) => void;
}

/**
 * The body of a request as a store sees it: limited, timed, counted, and ended by whoever wants the upload next.
 *
 * It ends normally whatever happens to the connection, so that a store keeps what arrived without knowing of sockets;
 * `failure` tells the engine afterwards why it ended early.
 *
 * What the store does not want yet waits here, and not in the buffers of Node's streams, which keep an object for each piece.
 */
export class RequestBody extends Readable {
  /** Bytes handed to the store so far. */
  bytesRead = 0;
  /** Why the body ended before its end; undefined while it has not. */
  failure: HttpError | undefined;
  /** True when the client sent all of it and nothing was left out. */
  isWhole = false;

  private readonly idle: IdleTimer;
  private readonly waiting = new WaitingPieces();
  private started = false;
  private over = false;
  /** The reader has asked for more than it got. */
  private isWanted = false;
  private hasPaused = false;
  private isSocketPaused = false;
  private pauseSoon: NodeJS.Immediate | undefined;

  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    private readonly options: RequestBodyOptions,
  ) {
    super({ highWaterMark: 1 });
    this.idle = new IdleTimer(options.idleTimeout, () => this.stop(errors.readTimeout()));
  }

  /** Ends the body now. What arrived stays readable, the rest is not read. */
  stop(failure: HttpError): void {
    if (this.over) return;
    this.failure = failure;
    this.finish();
  }

  override _read(): void {
    this.isWanted = true;
    if (!this.started) this.start();
    this.handOn();
    if (this.over || !this.hasPaused || this.waiting.length > LOW_WATER_MARK) return;
    this.hasPaused = false;
    this.idle.resume();
    this.request.resume();
    this.resumeSocket();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    // A store that destroys its source does not want the rest; the engine answers by what the store said.
    if (!this.over) this.detach();
    callback(error);
  }

  private start(): void {
    this.started = true;
    const { request } = this;
    const early = this.options.takeEarly?.();
    for (let piece = early?.shift(); piece && !this.over; piece = early?.shift()) this.onData(piece);
    if (this.over) return;
    if (request.destroyed && !request.readableEnded) return this.stop(errors.connectionReset());
    if (request.readableEnded) return this.onEnd();
    request.on('data', this.onData);
    request.on('end', this.onEnd);
    request.on('error', this.onError);
    request.on('close', this.onClose);
    this.idle.resume();
    request.resume();
    sendContinue(request, this.response);
  }

  private readonly onData = (chunk: Buffer): void => {
    this.idle.touch();
    const room = this.options.limit - this.bytesRead;
    if (chunk.length > room) {
      if (room > 0) this.accept(chunk.subarray(0, room));
      this.stop(this.options.tooLong());
      return;
    }
    this.accept(chunk);
  };

  private accept(chunk: Buffer): void {
    this.bytesRead += chunk.length;
    this.options.inspect?.(chunk);
    if (this.isWanted && this.waiting.length === 0) {
      this.isWanted = this.push(chunk);
      return;
    }
    this.waiting.append(chunk);
    if (this.waiting.length >= HIGH_WATER_MARK) this.slowDown(chunk);
  }

  private handOn(): void {
    while (this.isWanted && this.waiting.length > 0) this.isWanted = this.push(this.waiting.shift());
    if (this.over && this.waiting.length === 0) this.push(null);
  }

  /**
   * The store is slower than the client: its silence is ours. A request that is paused keeps what was read of its socket, an object for each
   * piece: small ones are taken to the end of what was read, and then the socket is paused.
   */
  private slowDown(chunk: Buffer): void {
    this.idle.suspend();
    if (!isSmallPiece(chunk) || this.waiting.length >= MOST_WAITING) return this.pauseNow();
    this.pauseSoon ??= setImmediate(() => {
      this.pauseSoon = undefined;
      if (this.over) return;
      if (this.waiting.length < HIGH_WATER_MARK) return this.idle.resume();
      this.pauseNow();
      // A session of HTTP/2 has other requests.
      if (this.request.httpVersionMajor >= 2) return;
      this.isSocketPaused = true;
      this.request.socket.pause();
    });
  }

  private pauseNow(): void {
    this.hasPaused = true;
    this.request.pause();
  }

  private resumeSocket(): void {
    if (!this.isSocketPaused) return;
    this.isSocketPaused = false;
    this.request.socket.resume();
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
    // A reader that has not asked yet gets the end in its turn.
    if (this.waiting.length === 0) this.push(null);
  }

  private detach(): void {
    this.over = true;
    this.idle.stop();
    clearImmediate(this.pauseSoon);
    this.resumeSocket();
    const { request } = this;
    request.off('data', this.onData);
    request.off('end', this.onEnd);
    request.off('close', this.onClose);
    // The error listener stays: an error that comes later must not end the process.
    if (!this.isWhole) request.pause();
  }
}
