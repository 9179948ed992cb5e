export { LeaseLocker } from './lease-locker.js';
export type { LeaseLock } from './lease-lock.js';
export type { LeaseLockerOptions } from './options.js';
export {
  type Claim,
  type Durations,
  type Leased,
  type LeaseMedium,
  type LeaseMessage,
  type MediumListener,
  NotDone,
  type Renewal,
  type Taken,
  type Use,
} from './lease-medium.js';
export { NoAnswer, within } from './within.js';
