import fs from 'node:fs';
import type { Readable } from 'node:stream';
import { errors } from '@nestjs-tus/core';

/** Buffers that one `writev` takes (IOV_MAX on Linux, macOS and the BSDs). */
const MAX_BUFFERS = 1_024;
/** Bytes that wait while a write is under way; above them the source is paused. */
const MAX_PENDING = 1024 * 1024;

/** What became of a source. */
export interface Gathered {
  /** Bytes that are in the file. */
  readonly bytes: number;
  /** True when the source came to its end; false when it broke. */
  readonly ended: boolean;
  /** Why writing stopped, if it did. */
  readonly failure?: Error;
}

/**
 * Writes a source to a file from `position` on. Chunks that arrive while a write is under way are gathered and go out
 * together in the next one: the number of writes follows the disk, not the network.
 *
 * @throws HttpError `ERR_LOCK_LOST` when `signal` aborts; nothing is written after that
 */
export function gather(
  fd: number,
  position: number,
  source: Readable,
  signal?: AbortSignal,
): Promise<Gathered> {
  return new Promise((resolve, reject) =>
    new Gathering(fd, position, source, signal, resolve, reject).start(),
  );
}

class Gathering {
  private pending: Uint8Array[] = [];
  private pendingBytes = 0;
  private bytes = 0;
  private isWriting = false;
  private isPaused = false;
  /** The source gives nothing more. */
  private isOver = false;
  private hasEnded = false;
  private failure?: Error;

  constructor(
    private readonly fd: number,
    private readonly position: number,
    private readonly source: Readable,
    private readonly signal: AbortSignal | undefined,
    private readonly resolve: (gathered: Gathered) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  start(): void {
    const { source, signal } = this;
    if (signal?.aborted) return this.reject(errors.lockLost(signal.reason));
    // This one stays: an error that comes when nobody listens any more would end the process.
    source.on('error', () => this.end());
    if (source.readableEnded) this.hasEnded = true;
    if (source.readableEnded || source.destroyed) return this.end();
    signal?.addEventListener('abort', this.onAbort);
    source.on('end', this.onEnd);
    source.on('close', this.onClose);
    source.on('data', this.onData);
    // A source that was paused before does not flow by a listener alone.
    source.resume();
  }

  private readonly onData = (chunk: Uint8Array | string): void => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (bytes.byteLength === 0) return;
    this.pending.push(bytes);
    this.pendingBytes += bytes.byteLength;
    if (!this.isWriting) return this.writePending();
    // A source may give each byte apart. A source that is paused gives nothing, so that one write takes all that waits.
    const isEnough = this.pendingBytes >= MAX_PENDING || this.pending.length >= MAX_BUFFERS;
    if (!isEnough || this.isPaused) return;
    this.isPaused = true;
    this.source.pause();
  };

  private readonly onEnd = (): void => {
    this.hasEnded = true;
    this.end();
  };

  private readonly onClose = (): void => this.end();

  private readonly onAbort = (): void => {
    this.pending = [];
    this.fail(errors.lockLost(this.signal?.reason));
  };

  private writePending(): void {
    const { pending: buffers, pendingBytes: length } = this;
    this.pending = [];
    this.pendingBytes = 0;
    this.isWriting = true;
    this.write(buffers, length);
  }

  private write(buffers: Uint8Array[], length: number): void {
    const at = this.position + this.bytes;
    const done = (error: Error | null, written: number) => this.onWritten(error, written, buffers, length);
    const [first] = buffers;
    if (first && buffers.length === 1) fs.write(this.fd, first, 0, length, at, done);
    else fs.writev(this.fd, buffers, at, done);
  }

  private onWritten(error: Error | null, written: number, buffers: Uint8Array[], length: number): void {
    if (!error) this.bytes += written;
    if (error && !this.failure) this.fail(error);
    // The system may take less than it was given: near a full disk, or at a limit.
    if (!this.failure && written < length) return this.write(rest(buffers, written), length - written);
    this.isWriting = false;
    if (!this.failure && this.pending.length > 0) this.writePending();
    else this.settleIfOver();
    if (!this.isPaused || this.isOver) return;
    this.isPaused = false;
    this.source.resume();
  }

  private fail(failure: Error): void {
    this.failure = failure;
    this.source.pause();
    this.end();
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.signal?.removeEventListener('abort', this.onAbort);
    this.source.off('end', this.onEnd);
    this.source.off('close', this.onClose);
    this.source.off('data', this.onData);
    // The lock can still be lost while the last bytes are written.
    this.settleIfOver();
  }

  private settleIfOver(): void {
    if (!this.isOver || this.isWriting) return;
    if (this.signal?.aborted) return this.reject(errors.lockLost(this.signal.reason));
    this.resolve({ bytes: this.bytes, ended: this.hasEnded, failure: this.failure });
  }
}

/** What is left of `buffers` after their first `written` bytes. */
function rest(buffers: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  const first = buffers.findIndex(({ byteLength }) => {
    if (skip < byteLength) return true;
    skip -= byteLength;
    return false;
  });
  return buffers.slice(first).map((buffer, index) => (index === 0 ? buffer.subarray(skip) : buffer));
}
