import type { HookResponse } from '../events/hook-event.js';
import type { FileInfo, KeptAnswer } from '../file-info.js';

/** Status of the response that completes an upload, unless a hook has another. */
export const COMPLETED_STATUS = 201;
/** Bytes of a response's body that are kept to be given again. */
const MAX_KEPT_BODY = 64 * 1024;

/** What is kept of the response that completes a draft upload, for a client that did not get it; undefined for tus, which asks HEAD. */
export function completedAnswer(
  { protocol }: FileInfo,
  response: HookResponse | undefined,
): KeptAnswer | undefined {
  if (protocol !== 'ietf') return undefined;
  const { statusCode = COMPLETED_STATUS, header = {}, body = '' } = response ?? {};
  const fits = Buffer.byteLength(body) <= MAX_KEPT_BODY;
  return { statusCode, header: { ...header }, body: fits ? body : '' };
}
