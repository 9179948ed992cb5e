import { decodeSegment } from '@nestjs-tus/core';

/** A route of literal segments and parameters. */
export interface PathPattern {
  /** As Nest writes it: `/api/tenants/:tenantId/files`. */
  readonly source: string;
  /** The literal text in lower case; undefined for a parameter, which stands for any one segment. */
  readonly segments: readonly (string | undefined)[];
}

/** Where a path leads, if it leads to an endpoint. */
export interface PathMatch {
  /** Decoded; undefined on the creation URL. */
  readonly uploadId?: string;
  /** A segment cannot be decoded to what all readers agree on: no router may see it. */
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

/** For `sort`: of two patterns that match one path, the one comes first that has literal text where the other has a parameter. */
export function literalFirst(one: PathPattern, other: PathPattern): number {
  const length = Math.max(one.segments.length, other.segments.length);
  for (let index = 0; index < length; index++) {
    // Behind its end a pattern has the parameter of the upload.
    const difference = Number(isParameter(one, index)) - Number(isParameter(other, index));
    if (difference !== 0) return difference;
  }
  return 0;
}

function isParameter({ segments }: PathPattern, index: number): boolean {
  return segments[index] === undefined;
}

/** @throws TypeError that says what to write as `path` */
export function checkPath(path: unknown): void {
  if (typeof path !== 'string') throw new TypeError(`path is ${String(path)}: write a route such as 'files'`);
  if (parsePattern(path).source.split('/').includes(':id')) {
    throw new TypeError(`path is "${path}": ":id" is the upload's own parameter, write another name`);
  }
}

/**
 * Matches a path as Express does by default: letters in any case, one slash at the end or none.
 *
 * @param path the segments of a RequestTarget
 */
export function matchPattern({ segments }: PathPattern, path: readonly string[]): PathMatch | undefined {
  const last = path.at(-1) === '' ? path.length - 1 : path.length;
  const rest = last - 1 - segments.length;
  if (rest !== 0 && rest !== 1) return undefined;
  let isMalformed = false;
  for (let index = 0; index < segments.length; index++) {
    const given = path[index + 1] ?? '';
    const expected = segments[index];
    if (expected === undefined) isMalformed ||= decodeSegment(given) === undefined;
    else if (given.toLowerCase() !== expected) return undefined;
  }
  const uploadId = rest === 0 ? undefined : decodeSegment(path[last - 1] ?? '');
  if (isMalformed || (rest === 1 && uploadId === undefined)) return { isMalformed: true };
  return { uploadId };
}

/**
 * Path of the creation URL as the client sees it, with a slash at the end.
 *
 * @param path of a RequestTarget
 */
export function collectionPathOf(path: string, isUpload: boolean): string {
  const trimmed = path.endsWith('/') ? path.slice(0, -1) : path;
  return isUpload ? trimmed.slice(0, trimmed.lastIndexOf('/') + 1) : `${trimmed}/`;
}
