import type { Readable } from 'node:stream';

export interface ObjectBodyOptions {
  /** Bytes that were asked for. */
  readonly size: number;
  /** Milliseconds without a byte after which it breaks, while a reader waits; a reader that is slow itself has all the time it wants. */
  readonly timeout: number;
  /** What the error of a connection that breaks becomes: a problem of problems.ts. */
  readonly problemOf: (error: unknown) => unknown;
}

/** The bytes of an object, for backends whose client gives a stream: exactly as many as were asked for, or an error. */
export class ObjectBody implements AsyncIterableIterator<Uint8Array, void> {
  private readonly chunks: AsyncIterator<Uint8Array, void>;
  private received = 0;

  constructor(
    private readonly source: Readable,
    private readonly options: ObjectBodyOptions,
  ) {
    this.chunks = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, void>;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, void>> {
    const result = await this.nextInTime();
    this.received += result.value?.length ?? 0;
    // Another application has put another object there. A reader that was promised so many bytes must not take fewer for all.
    const { size } = this.options;
    if (result.done && this.received !== size) {
      throw new Error(`the object ended after ${this.received} of ${size} bytes`);
    }
    return result;
  }

  /** Lets go of the connection, whether anything was read or not. */
  async return(): Promise<IteratorResult<Uint8Array, void>> {
    this.source.destroy();
    return { done: true, value: undefined };
  }

  private async nextInTime(): Promise<IteratorResult<Uint8Array, void>> {
    const { timeout, problemOf } = this.options;
    const timer = setTimeout(() => this.giveUp(timeout), timeout);
    try {
      return await this.chunks.next();
    } catch (error) {
      throw problemOf(error);
    } finally {
      clearTimeout(timer);
    }
  }

  private giveUp(timeout: number): void {
    const message = `the storage service sent nothing for ${timeout} ms`;
    this.source.destroy(Object.assign(new Error(message), { name: 'TimeoutError' }));
  }
}
