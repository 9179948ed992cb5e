import { LeaseLocker } from '../lease-locker.js';
import type { LeaseLockerOptions } from '../options.js';
import { MemoryLeases, type MemoryMedium } from './memory-medium.js';

/** A locker, its own way to the leases, and what it has logged. */
export interface LockerInMemory {
  readonly locker: LeaseLocker;
  readonly medium: MemoryMedium;
  readonly lines: readonly string[];
}

/** Two lockers that share their leases, as two processes have them. A lease is 10 s, an answer may take 2 s. */
export function twoLockers(
  options: Partial<LeaseLockerOptions> = {},
): readonly [LockerInMemory, LockerInMemory] {
  const leases = new MemoryLeases();
  const make = (): LockerInMemory => {
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const medium = leases.node();
    const locker = new LeaseLocker(medium, {
      name: 'TestLocker',
      leaseDuration: 10_000,
      commandTimeout: 2_000,
      rememberFor: 600_000,
      logger: { warn: log, log },
      ...options,
    });
    return { locker, medium, lines };
  };
  return [make(), make()];
}
