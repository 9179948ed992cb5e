import { Random } from '../random.mjs';
import { isCalm, record, wishOf } from './hooks.mjs';
import { oddResponse } from './responses.mjs';
import { oddThrown } from './thrown.mjs';

const random = new Random('listeners');

/** A listener of upload events that stops uploads of odd requests, and throws for all. */
export function listenOddly(name, { upload, httpRequest }) {
  if (isCalm) return;
  const { odd } = wishOf(httpRequest?.header);
  if (odd !== undefined && random.chance(0.05)) {
    const response = random.chance(0.3) ? undefined : oddResponse(random);
    record(odd, `a listener of ${name}`, 'stops the upload with', response);
    upload.stopUpload(response);
  }
  if (random.chance(0.05)) {
    const thrown = oddThrown(random);
    record(odd ?? 'none', `a listener of ${name}`, 'throws', thrown);
    throw thrown;
  }
}
