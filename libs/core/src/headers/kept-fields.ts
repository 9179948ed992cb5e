import type { IncomingHttpHeaders } from 'node:http';
import { errors } from '../errors.js';

/** The fields of a creation that are kept with the upload, by protocol. Upload-Concat has a limit of its own: `maxPartials`. */
export const KEPT_FIELDS = {
  tus: ['upload-metadata'],
  ietf: [
    ...['upload-metadata', 'content-type', 'content-disposition', 'content-encoding', 'content-language'],
    ...['repr-digest', 'want-repr-digest'],
  ],
} as const;

/**
 * Refuses a creation that would make us keep more than `most` bytes of its header.
 * @throws HttpError `ERR_METADATA_TOO_LARGE` (400)
 */
export function failIfTooMuchToKeep(
  header: IncomingHttpHeaders,
  protocol: keyof typeof KEPT_FIELDS,
  most: number,
): void {
  const bytes = KEPT_FIELDS[protocol].reduce((sum, name) => sum + sizeOf(header[name]), 0);
  if (bytes > most) throw errors.metadataTooLarge(most, protocol);
}

/** Node gives a header as Latin-1: each character was a byte. */
function sizeOf(value: string | readonly string[] | undefined): number {
  return typeof value === 'string' ? value.length : (value?.join(', ').length ?? 0);
}
