/** A route of literal segments and parameters. */
export interface PathPattern {
  /** As Nest writes it: `/api/tenants/:tenantId/files`. */
  readonly source: string;
  /** The literal text in lower case; undefined for a parameter, which stands for any one segment. */
  readonly segments: readonly (string | undefined)[];
}

/** Where a path leads, if it leads to an endpoint. */
export interface PathMatch {
  /** As it stands in the path, decoded; undefined on the creation URL. */
  readonly uploadId?: string;
  /** The id has an escape that means nothing: routers throw at it, so it must not get there. */
  readonly isMalformed?: true;
}

const LITERAL = /^[A-Za-z0-9._~!$&'+,;=@%-]+$/;
const PARAMETER = /^:[A-Za-z_]\w*$/;

/**
 * Reads a route.
 * @throws TypeError when it holds more than literal segments and `:parameters`: it could not be told which requests are uploads
 */
export function parsePattern(source: string): PathPattern {
  const segments = source.split('/').filter((segment) => segment !== '');
  for (const segment of segments) {
    if (LITERAL.test(segment) || PARAMETER.test(segment)) continue;
    throw new TypeError(`"${segment}" in the path "${source}": write literal segments and :parameters only`);
  }
  return {
    source: `/${segments.join('/')}`,
    segments: segments.map((segment) => (segment.startsWith(':') ? undefined : segment.toLowerCase())),
  };
}

/** @throws TypeError that says what to write as `path` */
export function checkPath(path: unknown): void {
  if (typeof path !== 'string') throw new TypeError(`path is ${String(path)}: write a route such as 'files'`);
  if (parsePattern(path).source.split('/').includes(':id')) {
    throw new TypeError(`path is "${path}": ":id" is the upload's own parameter, write another name`);
  }
}

/** The path of a request target, without its query; a proxy may send it with scheme and host. */
export function pathnameOf(target: string): string {
  const path = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]*/i, '');
  const end = path.search(/[?#]/);
  return end === -1 ? path : path.slice(0, end);
}

/**
 * Matches a path as Express does by default: letters in any case, one slash at the end or none.
 *
 * @param pathname split at its slashes: `['', 'files', 'f00']`
 */
export function matchPattern({ segments }: PathPattern, pathname: readonly string[]): PathMatch | undefined {
  const last = pathname.at(-1) === '' ? pathname.length - 1 : pathname.length;
  const rest = last - 1 - segments.length;
  if (rest !== 0 && rest !== 1) return undefined;
  for (let index = 0; index < segments.length; index++) {
    const given = pathname[index + 1];
    const expected = segments[index];
    if (!given || (expected !== undefined && given.toLowerCase() !== expected)) return undefined;
  }
  if (rest === 0) return {};
  const id = pathname[last - 1];
  return id ? decode(id) : undefined;
}

function decode(segment: string): PathMatch {
  if (!segment.includes('%')) return { uploadId: segment };
  try {
    return { uploadId: decodeURIComponent(segment) };
  } catch {
    return { uploadId: segment, isMalformed: true };
  }
}

/** Path of the creation URL as the client sees it, with a slash at the end. */
export function collectionPathOf(target: string, isUpload: boolean): string {
  const pathname = pathnameOf(target);
  const trimmed = pathname.endsWith('/') ? pathname.slice(0, -1) : pathname;
  return isUpload ? trimmed.slice(0, trimmed.lastIndexOf('/') + 1) : `${trimmed}/`;
}
