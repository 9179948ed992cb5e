import type { HookResponse } from '../events/hook-event.js';
import type { FileInfo, KeptAnswer } from '../file-info.js';

/** Status of the response that completes an upload, unless a hook has another. */
export const COMPLETED_STATUS = 201;
/** Bytes of a response's body that are kept to be given again. */
const MAX_KEPT_BODY = 64 * 1024;

/**
 * What is kept of the response that completes a draft upload, for a client that did not get it. Undefined for tus, which asks HEAD, and
 * for an upload that is complete by its length: its client has not asked for that yet.
 */
export function completedAnswer(
  { protocol, state }: FileInfo,
  response: HookResponse | undefined,
): KeptAnswer | undefined {
  if (protocol !== 'ietf' || state !== 'finishing') return undefined;
  const { statusCode = COMPLETED_STATUS, header = {}, body = '' } = response ?? {};
  const fits = Buffer.byteLength(body) <= MAX_KEPT_BODY;
  return { statusCode, header: { ...header }, body: fits ? body : '' };
}
