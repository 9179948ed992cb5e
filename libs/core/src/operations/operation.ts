import type { AnnouncedChecksum } from '../body/verification.js';
import type { HookResponse } from '../events/hook-event.js';
import type { FileInfo, MetaData, RepresentationDigests, UploadProtocol } from '../file-info.js';
import type { Concat } from '../headers/concat.js';
import type { Download } from './download.js';
import type { DraftTerms } from './draft-terms.js';

export type OperationName = 'create' | 'append' | 'status' | 'download' | 'terminate' | 'discover';

/** What a request is about: for guards. The engine acts on these uploads and on no other. */
export interface TusOperation {
  readonly name: OperationName;
  readonly uploadId?: string;
  /** The partial uploads that a final one is to be made of. */
  readonly partialUploadIds?: readonly string[];
  readonly protocol: UploadProtocol;
}

/** The content that comes with a request. */
export interface IncomingContent {
  /** From Content-Length; undefined when the body is chunked. */
  readonly length?: number;
  readonly checksum?: AnnouncedChecksum;
}

export interface CreateRequest {
  readonly name: 'create';
  readonly protocol: UploadProtocol;
  /** Undefined: deferred, or to be computed (a final upload). */
  readonly length?: number;
  readonly metaData: MetaData;
  readonly metaDataHeader?: string;
  readonly concat?: Concat;
  readonly concatHeader?: string;
  /** Absent: the request creates only. */
  readonly content?: IncomingContent;
  readonly draft?: DraftTerms;
  readonly digests?: RepresentationDigests;
}

export interface AppendRequest {
  readonly name: 'append';
  readonly protocol: UploadProtocol;
  readonly uploadId: string;
  readonly offset: number;
  /** The length of the whole upload, where the request tells it. */
  readonly declaredLength?: number;
  readonly content: IncomingContent;
  readonly draft?: DraftTerms;
  /** Of the whole, for the request that completes it. */
  readonly digests?: RepresentationDigests;
}

export interface UploadRequest {
  readonly name: 'status' | 'download' | 'terminate';
  readonly protocol: UploadProtocol;
  readonly uploadId: string;
  /** As in DraftTerms. */
  readonly completesAtLength?: boolean;
}

/** A request in the engine's terms: what a dialect reads out of headers. */
export type OperationRequest = CreateRequest | AppendRequest | UploadRequest;

/** What came of an operation, in the engine's terms: a dialect makes a response of it. */
export type Outcome =
  | {
      readonly kind: 'created';
      readonly info: FileInfo;
      readonly received: boolean;
      readonly response?: HookResponse;
    }
  | { readonly kind: 'appended'; readonly info: FileInfo; readonly response?: HookResponse }
  | { readonly kind: 'status'; readonly info: FileInfo }
  | { readonly kind: 'terminated'; readonly response?: HookResponse }
  | Download;
