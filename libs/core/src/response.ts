import type { Readable } from 'node:stream';

/** A response before it is written: names and values in turn, as `writeHead` takes them. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: string[];
  readonly body?: string | Readable;
}
