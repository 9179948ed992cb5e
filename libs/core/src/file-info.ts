import type { HookResponse } from './events/hook-event.js';

/** The decoded pairs of an Upload-Metadata header. Values are UTF-8 text; a key without a value has `''`. */
export type MetaData = Record<string, string>;

/** Any value that survives `JSON.stringify` and `JSON.parse`. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** The protocol that created an upload, and therefore owns it. */
export type UploadProtocol = 'tus' | 'ietf';

/**
 * Where an upload stands.
 *
 * - `receiving`: bytes are missing, or all are there and nobody has tried to finish it yet
 * - `finishing`: all bytes are there, the pre-finish hook has not agreed yet
 * - `finished`: complete, for good
 * - `rejected`: complete, and refused by the pre-finish hook for good
 */
export type UploadState = 'receiving' | 'finishing' | 'finished' | 'rejected';

/** A response that is kept with an upload because it has to be given again: a final refusal, or what completed a draft upload. */
export interface KeptAnswer {
  readonly statusCode: number;
  readonly header: Record<string, string>;
  readonly body: string;
}

/** The fields Repr-Digest and Want-Repr-Digest of an upload's creation. */
export interface RepresentationDigests {
  readonly expected?: string;
  readonly wanted?: string;
}

/** What is known of an upload. Stores keep it; hooks and events show it. */
export interface FileInfo {
  /** 1 to 128 of `A-Z a-z 0-9 . _ ~ -`; never dots alone. */
  id: string;
  /** Length of the whole upload in bytes; 0 while `sizeIsDeferred`. */
  size: number;
  /** True until the client has said how long the upload is. */
  sizeIsDeferred: boolean;
  /** Bytes that are stored, and will survive what the store's durability promises. */
  offset: number;
  metaData: MetaData;
  /** The Upload-Metadata header byte for byte as the client sent it; absent when there was none or a hook changed the metadata. */
  metaDataHeader?: string;
  /** True for a part that will be joined to a final upload. */
  isPartial: boolean;
  /** True for an upload that was made by joining partial ones. */
  isFinal: boolean;
  /** The ids of the partial uploads that a final one consists of, in order. */
  partialUploads: string[];
  /** The Upload-Concat header as the client sent it. */
  concatHeader?: string;
  /** Where the store keeps the upload; the keys are the store's own. */
  storage?: Record<string, string>;
  createdAt?: Date;
  /** When an unfinished upload is removed, unless there is activity before; absent: never. */
  expiresAt?: Date;
  /** Absent in uploads that another server began: tus. */
  protocol?: UploadProtocol;
  /** Absent: an upload with offset = size is finished. */
  state?: UploadState;
  /** JSON that preUploadCreate set (the owner, say): stored, never sent to a client. */
  context?: JsonValue;
  /** Largest size in bytes for this upload, where a hook has set one. */
  maxSize?: number;
  /** The final uploads that wait for this partial one. */
  pendingFinals?: string[];
  /** The answer of a final refusal, or to the request that completed a draft upload: given again to whoever asks. */
  answer?: KeptAnswer;
  /** True while a finished upload's postFinish hook has not resolved yet. */
  untold?: boolean;
  /** The digests of the whole that its client announced, and those it wants to be told (RFC 9530), as received. */
  digests?: RepresentationDigests;
}

/** What an event shows of an upload: its info, and the way to stop it. */
export interface UploadInEvent extends FileInfo {
  /**
   * Ends the request that is receiving this upload, and terminates the upload where the store can.
   * The client gets ERR_UPLOAD_STOPPED (400), changed by `response`. Does nothing when no request is receiving it.
   */
  stopUpload(response?: HookResponse): void;
}

/** True when every byte of an upload of known length is stored. */
export function hasAllBytes(info: FileInfo): boolean {
  return !info.sizeIsDeferred && info.offset === info.size;
}

/** The state that `state`, offset and size mean together. */
export function stateOf(info: FileInfo): UploadState {
  if (info.state === 'finished' || info.state === 'rejected') return info.state;
  // In the draft the client says when an upload is complete; its offset does not.
  if (info.protocol === 'ietf') return info.state ?? 'receiving';
  if (!hasAllBytes(info)) return 'receiving';
  return info.state === undefined ? 'finished' : 'finishing';
}
