import type { IncomingHttpHeaders } from 'node:http';

/** What a client may already have of a representation. */
export interface Validators {
  /** A strong entity tag in its quotes. */
  readonly etag: string;
  readonly lastModified?: Date;
}

export type Condition = 'proceed' | 'not-modified' | 'failed';

/** Decides a conditional GET in the order of RFC 9110, 13.2.2. */
export function evaluateConditions(header: IncomingHttpHeaders, validators: Validators): Condition {
  const ifMatch = header['if-match'];
  if (ifMatch !== undefined) {
    if (!matchesStrongly(ifMatch, validators.etag)) return 'failed';
  } else if (isBefore(header['if-unmodified-since'], validators.lastModified)) {
    return 'failed';
  }
  const ifNoneMatch = header['if-none-match'];
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, validators.etag) ? 'not-modified' : 'proceed';
  const since = header['if-modified-since'];
  if (since === undefined || !validators.lastModified) return 'proceed';
  return isBefore(since, validators.lastModified) || Number.isNaN(Date.parse(since))
    ? 'proceed'
    : 'not-modified';
}

/** True when a Range header counts: there is no If-Range, or it names what we have (RFC 9110, 13.1.5). */
export function rangeApplies(ifRange: string | undefined, validators: Validators): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"')) return ifRange === validators.etag;
  return validators.lastModified !== undefined && Date.parse(ifRange) === toSeconds(validators.lastModified);
}

/** RFC 9110, 13.1.1: "A client MUST use the strong comparison": a weak tag is equal to nothing. */
function matchesStrongly(list: string, etag: string): boolean {
  return list.split(',').some((tag) => tag.trim() === '*' || tag.trim() === etag);
}

function matches(list: string, etag: string): boolean {
  return list.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

/** True when `date` is a date before `modified`, in whole seconds. */
function isBefore(date: string | undefined, modified: Date | undefined): boolean {
  if (date === undefined || !modified) return false;
  return Date.parse(date) < toSeconds(modified);
}

function toSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000) * 1000;
}
