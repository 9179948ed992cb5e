import { Readable } from 'node:stream';

type ObjectContent = AsyncIterableIterator<Uint8Array, void>;

/** Several objects as one stream. Destroying it lets go of the connection at once, also before anything was read. */
export class StoredContent extends Readable {
  /**
   * @param body the first one, open already
   * @param next opens those that follow, one by one
   */
  constructor(
    private body: ObjectContent,
    private readonly next: () => Promise<ObjectContent | undefined>,
  ) {
    super();
  }

  override _read(): void {
    this.readChunk().catch((error: unknown) => this.destroy(asError(error)));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    void this.body.return?.();
    done(error);
  }

  private async readChunk(): Promise<void> {
    for (;;) {
      const { done, value } = await this.body.next();
      if (!done) return void this.push(value);
      const following = await this.next();
      if (!following) return void this.push(null);
      this.body = following;
      // Destroyed while it was opened.
      if (this.destroyed) return void following.return?.();
    }
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}
