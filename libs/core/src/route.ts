import type { IncomingMessage } from 'node:http';
import type { RequestRoute } from './exchange.js';
import { decodeSegment, readSentTarget } from './requests/request-target.js';

/** The path of a base that may be an absolute URL, with a slash at the end. */
export function collectionPathOf(basePath: string): string {
  return basePath.startsWith('/') ? basePath : new URL(basePath).pathname;
}

/**
 * Where a request's path lies below a base: on the collection itself, or on an upload of it.
 *
 * @returns `'elsewhere'` for a path that does not begin with the base; undefined for a target that is none of ours, and for a path below
 * the base that can be no upload's
 */
export function routeOf(req: IncomingMessage, basePath: string): RequestRoute | 'elsewhere' | undefined {
  const path = readSentTarget(req)?.path;
  if (path === undefined) return undefined;
  const collectionPath = collectionPathOf(basePath);
  if (path === collectionPath || `${path}/` === collectionPath) return { collectionPath };
  if (!path.startsWith(collectionPath)) return 'elsewhere';
  const uploadId = uploadIdBelow(collectionPath, path);
  return uploadId === undefined ? undefined : { collectionPath, uploadId };
}

/**
 * The id of the upload that a path names below a collection, decoded. One slash may follow it.
 *
 * @returns undefined when the path names none
 */
export function uploadIdBelow(collectionPath: string, path: string): string | undefined {
  if (!path.startsWith(collectionPath)) return undefined;
  const segment = path.slice(collectionPath.length).replace(/\/$/, '');
  return segment === '' || segment.includes('/') ? undefined : decodeSegment(segment);
}
