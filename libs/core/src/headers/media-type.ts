/** Content that is a part of an upload in the IETF draft. */
export const PARTIAL_UPLOAD = 'application/partial-upload';

const PARAMETERS = /;.*$/s;
const MEDIA_TYPE =
  /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+(?:\s*;\s*[a-z0-9!#$&^_.+-]+=(?:[a-z0-9!#$&^_.+-]+|"[^"\\\u0000-\u001f\u007f-\uffff]*"))*$/i;

/** Types that a browser may show in place; HTML, SVG and PDF are not among them because they can run scripts. */
const INLINE_TYPES: ReadonlySet<string> = new Set([
  'text/plain',
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/bmp',
  'image/webp',
  'audio/wave',
  'audio/wav',
  'audio/x-wav',
  'audio/x-pn-wav',
  'audio/webm',
  'audio/ogg',
  'video/mp4',
  'video/webm',
  'video/ogg',
  'application/ogg',
]);

/** A Content-Type without its parameters, in lower case. */
export function essenceOf(contentType: string): string {
  return contentType.replace(PARAMETERS, '').trim().toLowerCase();
}

/** True for a well-formed media type, with or without parameters. */
export function isMediaType(value: string): boolean {
  return MEDIA_TYPE.test(value);
}

/** What a download is served as. */
export interface ServedType {
  readonly contentType: string;
  readonly disposition: 'inline' | 'attachment';
}

/** The type of a download, from the upload's `filetype`: unknown or malformed ones are octets to be saved. */
export function servedType(filetype: string | undefined): ServedType {
  if (typeof filetype !== 'string' || !MEDIA_TYPE.test(filetype)) {
    return { contentType: 'application/octet-stream', disposition: 'attachment' };
  }
  return {
    contentType: filetype,
    disposition: INLINE_TYPES.has(essenceOf(filetype)) ? 'inline' : 'attachment',
  };
}
