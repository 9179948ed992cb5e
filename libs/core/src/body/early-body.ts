import type { IncomingMessage } from 'node:http';
import { WaitingPieces } from './waiting-pieces.js';

/** Bytes after which the client is slowed down: as many as Node would keep. */
const HIGH_WATER_MARK = 16 * 1024;

/**
 * What a client sends before its request may store anything: while it waits for a lock, or for the decision of a hook. Node would keep an object for
 * each piece, and HTTP lets a client send each byte as a chunk of its own; here small pieces are copied together.
 */
export class EarlyBody {
  private readonly pieces = new WaitingPieces();
  private isSocketPaused = false;

  constructor(private readonly request: IncomingMessage) {
    request.on('data', this.take);
  }

  /** Ends the reading. @returns what has come so far; the rest is to be read of the request */
  release(): WaitingPieces {
    const { request } = this;
    request.off('data', this.take);
    request.pause();
    if (this.isSocketPaused) request.socket.resume();
    return this.pieces;
  }

  private readonly take = (piece: Buffer): void => {
    this.pieces.append(piece);
    if (this.isSocketPaused || this.pieces.length < HIGH_WATER_MARK) return;
    // A session of HTTP/2 has other requests: only this stream is held up.
    if (this.request.httpVersionMajor >= 2) return void this.request.pause();
    // What was read of the socket already still comes.
    this.isSocketPaused = true;
    this.request.socket.pause();
  };
}
