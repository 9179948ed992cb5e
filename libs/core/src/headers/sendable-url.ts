import { isUploadId } from '../upload-id.js';

const PRINTABLE = /^[\x21-\x7e]*$/;
const NOT_PRINTABLE = /[^\x21-\x7e]/gu;

/** A URL with what no header can hold percent-encoded: a store or an option may have given it. */
export function sendableUrl(url: string): string {
  if (PRINTABLE.test(url)) return url;
  return url.toWellFormed().replace(NOT_PRINTABLE, (character) => encodeURIComponent(character));
}

/** An id as it stands in a URL. A store may choose ids that we would not. */
export function escapedId(id: string): string {
  if (isUploadId(id)) return id;
  return id.toWellFormed().split('/').map(encodeURIComponent).join('/');
}
