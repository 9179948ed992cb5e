import { STATUS_CODES } from 'node:http';
import type { HttpError } from '../errors.js';
import type { IetfVersion, ProblemName } from './ietf-versions.js';

/** How the draft answers an error of the engine, where it differs from tus. */
export interface DraftRefusal {
  readonly status?: number;
  readonly problem?: ProblemName;
  /** The response tells all limits. */
  readonly showsLimits?: boolean;
}

const INCONSISTENT_LENGTH: DraftRefusal = { status: 400, problem: 'inconsistent-upload-length' };
const LIMIT: DraftRefusal = { showsLimits: true };

/**
 * The errors with which the protocol itself refuses content, by code. A response with one of them says that the upload is not complete; any
 * other error at a creation may be the answer of the target (a hook, a guard), and says nothing about it.
 */
const REFUSALS: ReadonlyMap<string, DraftRefusal> = new Map([
  ['ERR_MISMATCHED_OFFSET', { problem: 'mismatching-upload-offset' }],
  ['ERR_UPLOAD_SIZE_EXCEEDED', INCONSISTENT_LENGTH],
  ['ERR_INVALID_UPLOAD_LENGTH', INCONSISTENT_LENGTH],
  ['ERR_UPLOAD_COMPLETED', { problem: 'completed-upload' }],
  ['ERR_INVALID_CONTENT_TYPE', { status: 415 }],
  ['ERR_MAX_SIZE_EXCEEDED', LIMIT],
  ['ERR_UPLOAD_TOO_SMALL', LIMIT],
  ['ERR_APPEND_TOO_LARGE', LIMIT],
  ['ERR_APPEND_TOO_SMALL', LIMIT],
  ['ERR_INVALID_OFFSET', {}],
  ['ERR_MISSING_UPLOAD_COMPLETE', {}],
  ['ERR_DIGEST_MISMATCH', {}],
]);

export function draftRefusalOf(error: HttpError): DraftRefusal | undefined {
  return REFUSALS.get(error.code);
}

/** Further members of a problem document. */
export type ProblemMembers = Readonly<Record<string, number | string | undefined>>;

/** The problem document (RFC 9457) of an error: of a registered type where the version has it, of none otherwise. */
export function problemDocument(
  error: HttpError,
  status: number,
  { problems }: IetfVersion,
  members: ProblemMembers,
): string {
  const name = draftRefusalOf(error)?.problem;
  const isKnown = name !== undefined && problems.includes(name);
  return JSON.stringify({
    type: isKnown ? `https://iana.org/assignments/http-problem-types#${name}` : 'about:blank',
    title: isKnown ? name.replaceAll('-', ' ') : STATUS_CODES[status],
    status,
    detail: error.message,
    code: error.code,
    ...members,
  });
}
