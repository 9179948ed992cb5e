import { NotDone, type LeaseMedium } from './lease-medium.js';
import type { LeaseLockerOptions } from './options.js';

/** How long no call may have failed before the outage of a part is over, in milliseconds. */
const QUIET_MS = 10_000;

/** Logs an outage once when it begins, once for each kind of refusal, and once when it is over. */
export class Outage {
  private since?: number;
  private failedAt = 0;
  private lastRefusal?: string;

  constructor(
    private readonly medium: Pick<LeaseMedium, 'name' | 'hasParts'>,
    private readonly options: Pick<LeaseLockerOptions, 'name' | 'logger'>,
  ) {}

  begin(error: unknown): void {
    this.failedAt = performance.now();
    const refusal = error instanceof NotDone ? (error.refusal ?? '') : '';
    if (this.since !== undefined && (refusal === '' || refusal === this.lastRefusal)) return;
    this.since ??= performance.now();
    this.lastRefusal = refusal;
    const what =
      refusal === ''
        ? 'does not answer; uploads are refused until it does'
        : 'refuses commands; uploads are refused until it takes them';
    const { name, logger } = this.options;
    logger?.warn(`${name}: ${this.medium.name} ${what} (${describe(causeOf(error))})`);
  }

  end(): void {
    if (this.since === undefined) return;
    if (this.medium.hasParts && performance.now() - this.failedAt < QUIET_MS) return;
    const seconds = ((performance.now() - this.since) / 1000).toFixed(1);
    this.since = this.lastRefusal = undefined;
    const { name, logger } = this.options;
    logger?.log(`${name}: ${this.medium.name} answers again after ${seconds} s`);
  }
}

/** Why a call failed. */
export function causeOf(error: unknown): unknown {
  return error instanceof NotDone ? error.cause : error;
}

/** The texts of errors; several attempts to connect come as one AggregateError without a text. */
function describe(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(describe).join('; ');
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
