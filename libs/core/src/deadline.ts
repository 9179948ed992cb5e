import { setMaxListeners } from 'node:events';
import { errors } from './errors.js';

/** How long what is told to end may take for it, before it is left alone. Milliseconds. */
const LAST_MOMENT_MS = 500;

/**
 * When an operation must be over: some time after its client is gone or the shutdown began. Stores see it as `StoreContext.signal`; what does not end
 * by it is waited for no longer.
 */
export class Deadline {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  /** @param after milliseconds from `start` on */
  constructor(private readonly after: number) {
    // A final upload waits for each of its parts by one signal: that is no leak.
    setMaxListeners(0, this.signal);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Begins to count, unless it has begun. @param why names what began it, for the log: `its client had gone` */
  start(why: string): void {
    this.timer ??= setTimeout(() => {
      this.controller.abort(new Error(`it was not over ${this.after} ms after ${why}`));
    }, this.after);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  /**
   * What `work` gives.
   * @param lastMoment milliseconds that it has after `signal`, to clean up
   * @throws HttpError `ERR_OPERATION_ABANDONED` (503) when it is not over in time: it may still run
   */
  async within<T>(work: Promise<T>, lastMoment = LAST_MOMENT_MS): Promise<T> {
    let moment: NodeJS.Timeout | undefined;
    let onAbort: () => void = () => undefined;
    const late = new Promise<never>((_, reject) => {
      onAbort = () => {
        moment = setTimeout(() => reject(errors.abandoned(this.signal.reason)), lastMoment);
      };
    });
    if (this.signal.aborted) onAbort();
    else this.signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(moment);
      this.signal.removeEventListener('abort', onAbort);
    }
  }
}
