import type { IncomingMessage } from 'node:http';

/** A request's target, where every reader of it understands the same path. */
export interface RequestTarget {
  /** The path as it was sent, without scheme, host and query: `/files/a%7Eb`. */
  readonly path: string;
  /** The path split at its slashes, as sent: `['', 'files', 'a%7Eb']`. The last segment is empty when the path ends with a slash. */
  readonly segments: readonly string[];
}

const AUTHORITY = String.raw`(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?`;
/** RFC 3986, pchar; escapes are looked at where a segment is decoded. */
const SEGMENT = String.raw`[A-Za-z0-9._~!$&'()*+,;=:@%-]+`;
const TARGET = new RegExp(
  `^(?:https?://${AUTHORITY})?((?:/${SEGMENT})+/?|/)(?:\\?[^#\\x00-\\x20\\x7f]*)?$`,
  'i',
);
/** What some reader takes for a separator, an end or nothing at all, once it is decoded: slashes and control characters. */
const MISLEADING = /[/\\\x00-\x1f\x7f-\x9f]/;
const DOTS = /^\.{1,2}$/;

/**
 * Reads the target of a request: the origin form, or the absolute form of http and https (RFC 9112, 3.2). Frameworks, proxies and
 * URL parsers differ in what they make of anything else: of `\`, `#`, other schemes, empty segments, users in the host, or bytes that no
 * URL may hold. One of them would serve what another has not guarded.
 *
 * @returns undefined for such a target: it is none of ours
 */
export function readTarget(target: string): RequestTarget | undefined {
  const path = TARGET.exec(target)?.[1];
  return path === undefined ? undefined : { path, segments: path.split('/') };
}

/**
 * Reads the target that a client has sent. A framework that mounts an application cuts `url`, and keeps the whole in `originalUrl`.
 *
 * @returns undefined when it is none of ours
 */
export function readSentTarget(req: IncomingMessage): RequestTarget | undefined {
  const { originalUrl } = req as { originalUrl?: unknown };
  return readTarget(typeof originalUrl === 'string' ? originalUrl : (req.url ?? ''));
}

/**
 * Decodes a segment of a path, once: by RFC 3986 `a%7Eb` and `a~b` are the same.
 *
 * @returns undefined for an escape that means nothing, for dot segments, and for what hides a slash, a backslash or a control character
 */
export function decodeSegment(segment: string): string | undefined {
  const decoded = segment.includes('%') ? unescaped(segment) : segment;
  if (decoded === undefined || DOTS.test(decoded) || MISLEADING.test(decoded)) return undefined;
  return decoded;
}

function unescaped(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
