import type { Readable } from 'node:stream';

/**
 * The bytes of an object, as a call reads them: exactly as many as were asked for, or an error. It breaks when nothing comes for `timeout` milliseconds
 * while somebody waits; a reader that is slow itself has all the time it wants.
 */
export class ObjectBody implements AsyncIterableIterator<Uint8Array> {
  private readonly chunks: AsyncIterator<Uint8Array, void>;
  private received = 0;

  /** @param size bytes that were asked for */
  constructor(
    private readonly source: Readable,
    private readonly size: number,
    private readonly timeout: number,
  ) {
    this.chunks = source[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, void>;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, void>> {
    const timer = setTimeout(() => this.giveUp(), this.timeout);
    const result = await this.chunks.next().finally(() => clearTimeout(timer));
    this.received += result.value?.length ?? 0;
    // Somebody else has put another object there. Who was promised so many bytes must not take fewer for all.
    if (result.done && this.received !== this.size) {
      throw new Error(`the object ended after ${this.received} of ${this.size} bytes`);
    }
    return result;
  }

  /** Lets go of the connection, whether anything was read or not. */
  async return(): Promise<IteratorResult<Uint8Array, void>> {
    this.source.destroy();
    return { done: true, value: undefined };
  }

  private giveUp(): void {
    const message = `the storage service sent nothing for ${this.timeout} ms`;
    this.source.destroy(Object.assign(new Error(message), { name: 'TimeoutError' }));
  }
}
