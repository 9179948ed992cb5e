import { PARTIAL_UPLOAD } from '../headers/media-type.js';

/** The problem types that the draft registers (RFC 9457), by the end of their URI. */
export type ProblemName = 'mismatching-upload-offset' | 'inconsistent-upload-length' | 'completed-upload';

/** What one interop version of the draft says on the wire, where it differs from another one. */
export interface IetfVersion {
  /** The number in Upload-Draft-Interop-Version; undefined for requests that name none, which never get a 104. */
  readonly interop: number | undefined;
  /** The revisions of the draft that have this number. */
  readonly drafts: string;
  /** The field that tells whether an upload is complete, and what it says when it is. */
  readonly completeness: { readonly field: string; readonly whenComplete: boolean };
  /** What a request without that field says: the upload is complete; or nothing, so that an append is refused. */
  readonly withoutCompleteness: 'complete' | 'unknown';
  /** Content-Type of an append; undefined: any. */
  readonly appendType: string | undefined;
  /** Status of an append that was stored and does not complete the upload. */
  readonly appendedStatus: 201 | 204;
  /** The member of Upload-Limit that tells how long an upload lives on. */
  readonly ageKey: 'max-age' | 'expires';
  /** True where the limits of an append hold for a creation with content too. */
  readonly limitsCreation: boolean;
  /** What happens to an upload that gets more bytes than its length. */
  readonly overflow: 'stop' | 'invalidate';
  /** True where an upload whose known length is reached counts as complete, whatever its client says: for tus-js-client, as in tusd. */
  readonly completesAtLength: boolean;
  /** A completing request that comes again: it gets the kept answer, or a refusal. */
  readonly repeatedCompletion: 'replay' | 'refuse';
  /** True where 104 also tells the progress. */
  readonly progress: boolean;
  readonly problems: readonly ProblemName[];
}

const UPLOAD_COMPLETE = { field: 'Upload-Complete', whenComplete: true };
const UPLOAD_INCOMPLETE = { field: 'Upload-Incomplete', whenComplete: false };

/** As draft -12 has it. */
const NEWEST: IetfVersion = {
  interop: 9,
  drafts: '-12',
  completeness: UPLOAD_COMPLETE,
  withoutCompleteness: 'unknown',
  appendType: PARTIAL_UPLOAD,
  appendedStatus: 204,
  ageKey: 'max-age',
  limitsCreation: true,
  overflow: 'invalidate',
  completesAtLength: false,
  repeatedCompletion: 'replay',
  progress: true,
  problems: ['mismatching-upload-offset', 'inconsistent-upload-length'],
};

const INTEROP_8: IetfVersion = {
  ...NEWEST,
  interop: 8,
  drafts: '-09 to -11',
  limitsCreation: false,
  repeatedCompletion: 'refuse',
  problems: ['mismatching-upload-offset', 'inconsistent-upload-length', 'completed-upload'],
};

const INTEROP_7: IetfVersion = { ...INTEROP_8, interop: 7, drafts: '-06 to -08' };

const INTEROP_6: IetfVersion = {
  ...INTEROP_7,
  interop: 6,
  drafts: '-04, -05',
  appendedStatus: 201,
  ageKey: 'expires',
  overflow: 'stop',
  completesAtLength: true,
  problems: ['mismatching-upload-offset', 'completed-upload'],
};

const INTEROP_5: IetfVersion = {
  ...INTEROP_6,
  interop: 5,
  drafts: '-03',
  appendType: undefined,
  repeatedCompletion: 'replay',
  problems: [],
};

const INTEROP_4: IetfVersion = {
  ...INTEROP_5,
  interop: 4,
  drafts: '-02',
  completesAtLength: false,
  progress: false,
};

const INTEROP_3: IetfVersion = {
  ...INTEROP_4,
  interop: 3,
  drafts: '-01',
  completeness: UPLOAD_INCOMPLETE,
  withoutCompleteness: 'complete',
};

/** Every version that is served, newest first. Each says what it changes against the one above it. */
export const IETF_VERSIONS: readonly IetfVersion[] = [
  NEWEST,
  INTEROP_8,
  INTEROP_7,
  INTEROP_6,
  INTEROP_5,
  INTEROP_4,
  INTEROP_3,
];

/** For requests without a known number: the newest semantics. */
export const WITHOUT_INTEROP: IetfVersion = { ...NEWEST, interop: undefined };
