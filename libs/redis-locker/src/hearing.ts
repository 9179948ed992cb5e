import type { ResolvedOptions } from './options.js';
import { within } from './within.js';

/** Time from one message to oneself to the next, in milliseconds; a lease may be shorter. */
const BETWEEN_ECHOES_MS = 5_000;

/** What is used to find out whether messages are heard. */
export interface Voice {
  /** Sends this node a message. Rejects when Redis does not take it. */
  speak(message: string): Promise<unknown>;
  /** Called when Redis took a message, and none came. */
  onDeaf(): void;
}

/**
 * Finds out that messages are not heard, though commands are answered: a connection over which nothing is sent looks the same
 * whether it is alive or not. It also keeps both connections from being forgotten by what is between them and Redis.
 */
export class Hearing {
  private timer?: NodeJS.Timeout;
  private count = 0;
  private onEcho: (count: number) => void = () => undefined;
  private isDeaf = false;
  private isStopped = false;

  constructor(
    private readonly options: Pick<ResolvedOptions, 'leaseDuration' | 'commandTimeout' | 'logger'>,
    private readonly voice: Voice,
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
  }

  /** True for a message that was meant for this. */
  hears(message: string): boolean {
    const [, count] = /^echo (\d+)$/.exec(message) ?? [];
    if (count === undefined) return false;
    this.onEcho(Number(count));
    return true;
  }

  /** Never rejects. */
  private async check(): Promise<void> {
    this.count += 1;
    const { count } = this;
    const echo = new Promise<void>((resolve) => {
      this.onEcho = (heard) => {
        if (heard === count) resolve();
      };
    });
    const isTaken = await this.voice.speak(`echo ${count}`).then(
      () => true,
      // The connection has told the operator.
      () => false,
    );
    if (isTaken && !this.isStopped) this.note(await isInTime(this.options.commandTimeout, echo));
    this.timer = undefined;
    this.start();
  }

  private note(isHeard: boolean): void {
    const { logger } = this.options;
    if (!isHeard && !this.isDeaf) {
      logger?.warn('RedisLocker: Redis delivers no messages; until it does, a lock may be handed over late');
    }
    if (isHeard && this.isDeaf) logger?.log('RedisLocker: Redis delivers messages again');
    this.isDeaf = !isHeard;
    if (!isHeard) this.voice.onDeaf();
  }
}

async function isInTime(milliseconds: number, promise: Promise<void>): Promise<boolean> {
  return within(milliseconds, promise).then(
    () => true,
    () => false,
  );
}
