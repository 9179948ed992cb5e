import type { IncomingMessage } from 'node:http';
import type { RequestRoute } from './exchange.js';

/** The path of a base that may be an absolute URL, with a slash at the end. */
export function collectionPathOf(basePath: string): string {
  return basePath.startsWith('/') ? basePath : new URL(basePath).pathname;
}

/**
 * Where a request's path lies below a base: on the collection itself, or on an upload of it.
 * @returns undefined for a path that is none of both
 */
export function routeOf(req: IncomingMessage, basePath: string): RequestRoute | undefined {
  const collectionPath = collectionPathOf(basePath);
  const path = pathOf(req);
  if (path === collectionPath || `${path}/` === collectionPath) return { collectionPath };
  if (!path.startsWith(collectionPath)) return undefined;
  const uploadId = path.slice(collectionPath.length).replace(/\/$/, '');
  return { collectionPath, uploadId };
}

/** The path that the client asked for: Express takes a mount's prefix away, and keeps the whole in `originalUrl`. */
function pathOf(req: IncomingMessage): string {
  const url = 'originalUrl' in req && typeof req.originalUrl === 'string' ? req.originalUrl : (req.url ?? '');
  return url.replace(/[?#].*$/s, '').replace(/^https?:\/\/[^/]*/i, '');
}
