import type { ResolvedOptions } from './options.js';

/** Tells the operator of an outage once when it begins, and once when it is over. */
export class Outage {
  private since?: number;

  constructor(private readonly logger: ResolvedOptions['logger']) {}

  begin(cause: unknown): void {
    if (this.since !== undefined) return;
    this.since = performance.now();
    this.logger?.warn(
      `RedisLocker: Redis does not answer; uploads are refused until it does (${describe(cause)})`,
    );
  }

  end(): void {
    if (this.since === undefined) return;
    const seconds = ((performance.now() - this.since) / 1000).toFixed(1);
    this.since = undefined;
    this.logger?.log(`RedisLocker: Redis answers again after ${seconds} s`);
  }
}

/** The texts of node-redis' errors; those of several attempts come as one AggregateError without a text. */
function describe(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(describe).join('; ');
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
