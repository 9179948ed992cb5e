import type { TusLogger } from '@nestjs-tus/core';
import type { Durations } from './lease-medium.js';

/** What a LeaseLocker is made with. The locker of a medium has checked it, and has set the defaults. */
export interface LeaseLockerOptions extends Durations {
  /** The locker's name in log lines and errors, e.g. `RedisLocker`. */
  readonly name: string;
  /** Milliseconds after which a call without an answer means that the medium is gone. At most half of `leaseDuration`. */
  readonly commandTimeout: number;
  /** Gets a line when the medium goes away or refuses, and one when it is back. Default: silence. */
  readonly logger?: Pick<TusLogger, 'warn' | 'log'>;
}
