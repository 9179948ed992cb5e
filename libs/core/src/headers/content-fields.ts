import type { IncomingHttpHeaders } from 'node:http';
import type { MetaData } from '../file-info.js';
import type { ServedContent } from '../store/data-store.js';
import { readFilename } from './content-disposition.js';
import { essenceOf, isMediaType, PARTIAL_UPLOAD } from './media-type.js';

/** Tokens, comma-separated: what Content-Encoding and Content-Language consist of. */
const TOKENS = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\s*,\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*$/;

/**
 * The fields that describe the content of an upload, as metadata, so that hooks see one shape whatever the protocol. What is
 * malformed is left out.
 */
export function readContentFields(header: IncomingHttpHeaders): MetaData {
  const type = header['content-type'];
  const fields: [string, string | undefined][] = [
    // The type of a part is not that of the whole: tus-js-client sends it when it creates an upload with content.
    ['filetype', type && isMediaType(type) && essenceOf(type) !== PARTIAL_UPLOAD ? type : undefined],
    ['filename', readFilename(header['content-disposition'])],
    ['contentEncoding', tokens(header['content-encoding'])],
    ['contentLanguage', tokens(header['content-language'])],
  ];
  return Object.fromEntries(fields.filter((field): field is [string, string] => field[1] !== undefined));
}

/** What `readContentFields` has kept, for a download. */
export function contentFieldsOf(
  metaData: MetaData,
): Pick<ServedContent, 'contentEncoding' | 'contentLanguage'> {
  return {
    contentEncoding: tokens(metaData['contentEncoding']),
    contentLanguage: tokens(metaData['contentLanguage']),
  };
}

function tokens(value: string | undefined): string | undefined {
  return typeof value === 'string' && TOKENS.test(value) ? value : undefined;
}
