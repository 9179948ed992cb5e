import { randomBytes } from 'node:crypto';
import type { Calls } from './calls.js';

/** How long the medium keeps the rehearsal's lock, should this process end in the middle of it. */
const DURATIONS = { leaseDuration: 1_000, rememberFor: 1_000 };

/**
 * Makes once every call that locks need, messages included, on a lock that no other node wants.
 * @throws HttpError `ERR_STORAGE_UNAVAILABLE` (503), with what the medium answered as its cause
 */
export async function rehearse(calls: Calls): Promise<void> {
  const id = `~start~${randomBytes(8).toString('hex')}`;
  const [first, second] = [
    { id, nonce: 'first' },
    { id, nonce: 'second' },
  ];
  await calls.take(first, 'wait', DURATIONS).inTime;
  // Waits, and asks for the release by a message.
  await calls.take(second, 'wait', DURATIONS).inTime;
  await calls.renew([first], DURATIONS);
  await calls.release(first, 'done', DURATIONS);
}
