/**
 * What a request of the IETF draft asks for beyond tus. Where it is absent the rule of tus holds: an upload is complete when its
 * length is reached.
 */
export interface DraftTerms {
  /** The upload is complete once this request's content is stored. */
  readonly completes: boolean;
  /** An upload whose known length is reached is complete, whatever `completes` says. */
  readonly completesAtLength: boolean;
  /** What happens to an upload that gets more bytes than its length. */
  readonly overflow: 'stop' | 'invalidate';
  /** What a completing request gets that comes again. */
  readonly repeatedCompletion: 'replay' | 'refuse';
  /** True when `minAppendSize` and `maxAppendSize` hold for this request. */
  readonly limitsContent: boolean;
  /** False for a plain request: its upload cannot be gone on with, and is not kept when it breaks. */
  readonly isResumable: boolean;
}
