import { ErrorReply } from 'redis';
import type { ResolvedOptions } from './options.js';

/** How long nothing may have failed before an outage of a part of Redis is over, in milliseconds. */
const QUIET_MS = 10_000;

/** Tells the operator of an outage once when it begins, once for each error that Redis answers with, and once when it is over. */
export class Outage {
  private since?: number;
  private failedAt = 0;
  private told?: string;

  /** @param ofParts true for a cluster: there an answer says nothing of other nodes */
  constructor(
    private readonly logger: ResolvedOptions['logger'],
    private readonly ofParts: boolean,
  ) {}

  begin(cause: unknown): void {
    this.failedAt = performance.now();
    const kind = cause instanceof ErrorReply ? refusalCodeOf(cause) : '';
    if (this.since !== undefined && (kind === '' || kind === this.told)) return;
    this.since ??= performance.now();
    this.told = kind;
    const what =
      kind === ''
        ? 'does not answer; uploads are refused until it does'
        : 'refuses commands; uploads are refused until it takes them';
    this.logger?.warn(`RedisLocker: Redis ${what} (${describe(cause)})`);
  }

  end(): void {
    if (this.since === undefined) return;
    if (this.ofParts && performance.now() - this.failedAt < QUIET_MS) return;
    const seconds = ((performance.now() - this.since) / 1000).toFixed(1);
    this.since = this.told = undefined;
    this.logger?.log(`RedisLocker: Redis answers again after ${seconds} s`);
  }
}

/** The first word of Redis' error, e.g. `NOPERM`. */
export function refusalCodeOf({ message }: ErrorReply): string {
  return message.split(' ', 1)[0] ?? '';
}

/** The texts of node-redis' errors; those of several attempts come as one AggregateError without a text. */
function describe(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(describe).join('; ');
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
