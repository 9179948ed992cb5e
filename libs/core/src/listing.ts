import type { Engine } from './engine.js';
import type { FileInfo } from './file-info.js';
import { RecentMap } from './recent-map.js';
import type { ListFailure, ListFilter } from './store/data-store.js';

/** Uploads whose trouble has been logged and is remembered at least. */
const REMEMBERED_FAILURES = 10_000;
/** Uploads that one walk through a list logs; the rest is a number. */
const LOGGED_AT_ONCE = 20;

/** Walks through the uploads of the store, and reports those that cannot be read: each of them once for each cause. */
export class Listing {
  /** What was logged last of an upload. */
  private readonly reported = new RecentMap<string>(REMEMBERED_FAILURES);

  constructor(private readonly engine: Engine) {}

  /** Ends early when the consumer does. One upload that cannot be read never ends it. */
  async *each(filter: ListFilter): AsyncGenerator<FileInfo> {
    const { lister } = this.engine.composer;
    let cursor: string | undefined;
    let logged = 0;
    let unlogged = 0;
    do {
      const page = await lister?.list(filter, cursor);
      for (const failure of page?.failures ?? []) {
        if (this.isKnown(failure)) continue;
        if (logged < LOGGED_AT_ONCE) this.log(failure);
        else unlogged += 1;
        logged += 1;
      }
      yield* page?.uploads ?? [];
      cursor = page?.cursor;
    } while (cursor !== undefined);
    if (unlogged > 0) this.engine.logger.error(`${unlogged} more uploads cannot be read`);
  }

  /** Logs what an upload that was listed turned out to be, once for each cause. */
  report(failure: ListFailure): void {
    if (!this.isKnown(failure)) this.log(failure);
  }

  private isKnown({ id, error }: ListFailure): boolean {
    return this.reported.get(id) === textOf(error);
  }

  private log({ id, error }: ListFailure): void {
    this.reported.set(id, textOf(error));
    this.engine.logger.error(
      `the upload ${id} cannot be read; it is passed over (${textOf(error)})`,
      error.cause ?? error,
    );
  }
}

function textOf({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
}
