import type { Calls } from './calls.js';
import type { LeaseMedium } from './lease-medium.js';
import type { LeaseLockerOptions } from './options.js';
import { within } from './within.js';

/** Time from one message to oneself to the next, in milliseconds; half a lease, if that is shorter. */
const BETWEEN_ECHOES_MS = 5_000;

/**
 * Finds out that messages do not arrive, though calls are answered: a connection over which nothing is sent looks the same
 * whether it is alive or not. It also keeps connections in use, so that no firewall forgets them.
 */
export class MessageCheck {
  private timer?: NodeJS.Timeout;
  private count = 0;
  private onEcho: (count: number) => void = () => undefined;
  private wasMissed = false;
  private isStopped = false;

  constructor(
    private readonly medium: LeaseMedium,
    private readonly calls: Pick<Calls, 'send'>,
    private readonly options: LeaseLockerOptions,
  ) {}

  /** Harmless when it was started before. */
  start(): void {
    if (this.timer || this.isStopped) return;
    const pause = Math.min(BETWEEN_ECHOES_MS, this.options.leaseDuration / 2);
    this.timer = setTimeout(() => void this.check(), pause).unref();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    // Ends the wait for a message that was sent.
    this.onEcho(this.count);
  }

  /** An echo has arrived. */
  arrived(count: number): void {
    this.onEcho(count);
  }

  /** Never rejects. */
  private async check(): Promise<void> {
    this.count += 1;
    const { count } = this;
    const echo = new Promise<void>((resolve) => {
      this.onEcho = (arrived) => {
        if (arrived === count) resolve();
      };
    });
    const wasSent = await isFulfilled(this.calls.send({ kind: 'echo', count }));
    // One that could not be sent has been logged as an outage.
    if (wasSent) this.note(await isFulfilled(within(this.options.commandTimeout, echo)));
    this.timer = undefined;
    this.start();
  }

  private note(hasArrived: boolean): void {
    if (this.isStopped) return;
    const { logger, name } = this.options;
    const medium = this.medium.name;
    if (!hasArrived && !this.wasMissed) {
      logger?.warn(`${name}: ${medium} delivers no messages; until it does, a lock may be handed over late`);
    }
    if (hasArrived && this.wasMissed) logger?.log(`${name}: ${medium} delivers messages again`);
    this.wasMissed = !hasArrived;
    if (!hasArrived) this.medium.messageMissed?.();
  }
}

function isFulfilled(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}
