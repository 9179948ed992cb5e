import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { FileInfo } from '@nestjs-tus/core';
import type { Content, Owner } from '@nestjs-tus/object-storage';
import { headerInput, type HeaderInput, type ObjectHeaders } from './object-headers.js';
import { isTransient } from './problems.js';

/** Bytes a second that a call with a body is given time for, beyond `requestTimeout`. */
const SLOWEST_LINK = 1024 * 1024;
/** How often a body is sent that is read anew each time; those in memory are the client's to try again. */
const STREAM_ATTEMPTS = 3;

export interface CallOptions {
  readonly abortSignal?: AbortSignal;
  /** Milliseconds until the answer begins. */
  readonly requestTimeout: number;
}

/** What all calls to the service need. */
export class Calls {
  constructor(
    readonly bucket: string,
    readonly client: S3Client,
    /** Milliseconds until an answer begins, or its next bytes come. */
    readonly requestTimeout: number,
    readonly headersOf: (info: FileInfo) => ObjectHeaders,
  ) {}

  /** What PutObject and CreateMultipartUpload say of an upload's object. */
  objectHeaders({ info, attempt }: Owner): HeaderInput {
    return headerInput(this.headersOf(info), info, attempt);
  }

  /**
   * Makes a call that has a body. A stream cannot be sent twice, so that the client gives up at once: the next attempt reads the bytes anew.
   */
  async withBody<T>(
    content: Content,
    signal: AbortSignal | undefined,
    send: (body: Buffer | Readable, size: number, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    if (Buffer.isBuffer(content)) return send(content, content.length, this.options(signal, content.length));
    for (let attempt = 1; ; attempt += 1) {
      const body = Readable.from(content.open(), { objectMode: false });
      // The service waits for bytes that cannot come; and what could not be read is why the call failed, whatever the call says.
      const broken = new AbortController();
      body.on('error', (error) => broken.abort(error));
      const either = signal ? AbortSignal.any([signal, broken.signal]) : broken.signal;
      try {
        return await send(body, content.size, this.options(either, content.size));
      } catch (error) {
        const cause: unknown = broken.signal.aborted && !signal?.aborted ? broken.signal.reason : error;
        if (attempt === STREAM_ATTEMPTS || !isTransient(cause) || signal?.aborted) throw cause;
      } finally {
        body.destroy();
      }
    }
  }

  /** For a call that ends with `signal`, and carries `bytes`. */
  options(signal?: AbortSignal, bytes = 0): CallOptions {
    const requestTimeout = this.requestTimeout + Math.ceil((bytes / SLOWEST_LINK) * 1_000);
    if (!signal) return { requestTimeout };
    // Each call listens for the loss of the lock, and there may be more of them at a time than Node takes for a leak.
    setMaxListeners(0, signal);
    return { abortSignal: signal, requestTimeout };
  }
}
