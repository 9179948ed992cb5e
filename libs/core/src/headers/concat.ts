import { errors } from '../errors.js';
import { decodeSegment } from '../requests/request-target.js';
import { isUploadId } from '../upload-id.js';

/** What an Upload-Concat header asks for. */
export type Concat = { readonly kind: 'partial' } | { readonly kind: 'final'; readonly uploadIds: string[] };

/** Where the uploads of a final one must lie. */
export interface Collection {
  /** Path of the creation URL with a slash at the end. */
  readonly path: string;
  /** The host that the request named; a URL with another one is not ours. */
  readonly hosts: readonly string[];
  /** Further absolute prefixes under which the collection is known (a public URL). */
  readonly bases: readonly string[];
}

const FINAL = 'final;';

/**
 * Reads an Upload-Concat header. URLs are never fetched: each must name an upload of this collection.
 * @throws HttpError `ERR_INVALID_CONCAT` (400)
 */
export function readConcat(header: string, collection: Collection): Concat {
  if (header === 'partial') return { kind: 'partial' };
  if (!header.startsWith(FINAL)) throw errors.invalidConcat('it is `partial` or `final;` with URLs');
  const urls = header.slice(FINAL.length).split(' ').filter(Boolean);
  if (urls.length === 0) throw errors.invalidConcat('`final;` names no upload');
  return { kind: 'final', uploadIds: urls.map((url) => uploadIdOf(url, collection)) };
}

/** How often a final upload may name one partial upload. */
const MOST_REPEATS = 8;

/**
 * Refuses a final upload of too many parts: each costs a place in its info, and reading.
 * @param most names of partial uploads, repeated ones included
 * @throws HttpError `ERR_INVALID_CONCAT` (400)
 */
export function failIfTooManyPartials(uploadIds: readonly string[], most: number): void {
  if (uploadIds.length > most) {
    throw errors.invalidConcat(
      `it names ${uploadIds.length} uploads, and a final upload has at most ${most}`,
    );
  }
  const repeats = new Map<string, number>();
  for (const id of uploadIds) {
    const times = (repeats.get(id) ?? 0) + 1;
    if (times > MOST_REPEATS)
      throw errors.invalidConcat(`it names an upload more than ${MOST_REPEATS} times`);
    repeats.set(id, times);
  }
}

/** The id of the upload that a URL of the header names: absolute, an absolute path, or relative to the collection. */
function uploadIdOf(url: string, collection: Collection): string {
  const segment = lastSegment(url, collection);
  const id = segment === undefined ? undefined : decodeSegment(segment);
  if (id === undefined || !isUploadId(id))
    throw errors.invalidConcat('a URL does not name an upload of this server');
  return id;
}

function lastSegment(url: string, { path, hosts, bases }: Collection): string | undefined {
  for (const base of bases) {
    if (url.startsWith(base)) return url.slice(base.length);
  }
  if (url.startsWith('/') && !url.startsWith('//')) return below(path, url);
  const absolute = /^https?:\/\/([^/?#]+)(\/.*)$/i.exec(url);
  if (absolute) {
    const [, host = '', rest = ''] = absolute;
    return hosts.includes(host.toLowerCase()) ? below(path, rest) : undefined;
  }
  return url.startsWith('./') ? url.slice(2) : url;
}

function below(path: string, url: string): string | undefined {
  return url.startsWith(path) ? url.slice(path.length) : undefined;
}
