import type { Readable } from 'node:stream';
import type { FileInfo } from '../file-info.js';
import type { Lock } from '../lock/locker.js';

/** What a store is told of the operation that calls it. Every field may be absent. */
export interface StoreContext {
  /**
   * Aborted when the operation must stop at once: nothing may be committed after that. Its lock was lost, or its deadline has passed:
   * `gracefulRequestCompletionTimeout` after its client was gone or the shutdown began. A call that does not end then is left alone, and the lock
   * is released.
   */
  readonly signal?: AbortSignal;
  /** The lock under which the operation runs; absent for reads, and before the upload exists. */
  readonly lock?: Lock;
  /**
   * When the upload expires if bytes are stored now. A store that replaces what it knows of an upload with each chunk asks this and stores it along, which
   * saves the update that would follow. Absent, or undefined: the expiry stays.
   */
  expiry?(): Date | undefined;
  /** Registers work for the end of the operation, before its lock is released: closing a file, say. */
  defer?(work: () => void | Promise<void>): void;
}

/** Inclusive byte positions, as in a Range header. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The core of a store. */
export interface DataStore {
  /**
   * Creates an upload. `info.id` is preset; a store may return an upload with another.
   * @throws HttpError `ERR_UPLOAD_EXISTS` (409) when there is one with this id: nothing is overwritten
   */
  newUpload(info: FileInfo, context: StoreContext): Promise<Upload>;
  /** @throws HttpError `ERR_UPLOAD_NOT_FOUND` (404) */
  getUpload(id: string, context: StoreContext): Promise<Upload>;
  /** True when several processes can work on the same uploads. Absent: one process only. */
  readonly spansProcesses?: boolean;
  /** Called once before the first request: makes directories, checks rights. Rejects with a text for the operator. */
  init?(): Promise<void>;
  /** Called at shutdown, after the last request. */
  close?(): Promise<void>;
  /** Tries whether something can be stored now, for health checks. Rejects with a text for the operator when it cannot. */
  check?(): Promise<StoreCheck>;
}

/** What a store that can be used says of itself. */
export interface StoreCheck {
  /** Bytes that may still be stored; absent where nobody knows. */
  readonly freeBytes?: number;
}

/** What a download says of its content. Whoever serves the content in our place must say the same. */
export interface ServedContent {
  readonly contentType: string;
  /** RFC 6266. `attachment` for types that a browser would run. */
  readonly contentDisposition: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
}

/**
 * The content of a finished upload as it is now. The application may change, replace or remove it: what is opened here stays the same
 * content until it is closed, unless the application writes into it.
 */
export interface OpenContent {
  /** Bytes. */
  readonly size: number;
  /** Another one when the content is another: becomes a part of its entity tag. */
  readonly version?: string;
  readonly modifiedAt?: Date;
  /** Streams the content, or `range` of it. The stream closes what was opened; at most one may be asked for. */
  read(range?: ByteRange): Readable | Promise<Readable>;
  /** Closes what was opened, if nothing is read. */
  close(): Promise<void>;
}

/** One upload in a store. Used by one operation, and under the upload's lock where it changes anything. */
export interface Upload {
  /**
   * Stores `source` at `offset`. The engine has checked the offset and limits the source to what may be stored.
   *
   * @returns bytes really kept; also when the source broke or storing failed in the middle. Rejects only if it cannot say how many.
   *   A store whose writing failed after some bytes rejects with an error that carries `bytesWritten`.
   */
  writeChunk(offset: number, source: Readable, context: StoreContext): Promise<number>;
  getInfo(context: StoreContext): Promise<FileInfo>;
  /** Streams the content, or `range` of it. */
  getReader(context: StoreContext, range?: ByteRange): Promise<Readable>;
  /**
   * Opens the content of a finished upload for a download. Absent where only the store can change it: then `size` of the info and
   * `getReader` say what it is.
   * @throws HttpError `ERR_CONTENT_GONE` (410) when it is not there any more
   */
  openContent?(context: StoreContext): Promise<OpenContent>;
  /**
   * A URL of somebody else who serves the finished content, with ranges and conditions, as `served` says: GET is redirected there. It need not
   * be good for long. Undefined, and for stores without this method: the content is read by `getReader`.
   */
  getDownloadUrl?(served: ServedContent, context: StoreContext): Promise<string | undefined>;
  /** Called when all bytes are stored, before the upload is reported as complete. May be called again after a crash. */
  finishUpload(context: StoreContext): Promise<void>;
}

export interface TerminatableUpload {
  /** Removes the upload and all that belongs to it. */
  terminate(context: StoreContext): Promise<void>;
}

/** A store that can delete uploads (termination). */
export interface TerminaterDataStore {
  asTerminatableUpload(upload: Upload): TerminatableUpload;
}

export interface ConcatableUpload {
  /**
   * Makes the content of `partialUploads`, in their order, the content of this upload, which was created for it.
   * Until it is whole, the upload's offset stays 0; a crash in the middle leaves it so, and it can be called again.
   */
  concatUploads(partialUploads: Upload[], context: StoreContext): Promise<void>;
}

/** A store that can join uploads (concatenation). */
export interface ConcaterDataStore {
  asConcatableUpload(upload: Upload): ConcatableUpload;
}

export interface LengthDeclarableUpload {
  /** Sets the length of an upload whose length was deferred. */
  declareLength(length: number, context: StoreContext): Promise<void>;
}

/** A store that can create uploads whose length is not known yet (creation-defer-length). */
export interface LengthDeferrerDataStore {
  asLengthDeclarableUpload(upload: Upload): LengthDeclarableUpload;
}

export interface VerifiableUpload {
  /**
   * Like `writeChunk`, but the bytes count only once `verify` has resolved: it is called when the source has ended and
   * all of it is stored. If it rejects, or the process dies before, the upload's offset is `offset` again, and the
   * rejection is passed on.
   */
  writeVerifiedChunk(
    offset: number,
    source: Readable,
    verify: () => Promise<void>,
    context: StoreContext,
  ): Promise<number>;
}

/** A store that can take back a chunk whose checksum is wrong (checksum). */
export interface VerifierDataStore {
  asVerifiableUpload(upload: Upload): VerifiableUpload;
}

/** What the engine changes in a stored info. `null` removes a field. */
export interface FileInfoUpdate {
  readonly state?: FileInfo['state'];
  readonly expiresAt?: Date | null;
  readonly context?: FileInfo['context'];
  readonly pendingFinals?: readonly string[];
  readonly answer?: FileInfo['answer'];
  readonly size?: number;
  readonly sizeIsDeferred?: boolean;
  /** False removes it. */
  readonly untold?: boolean;
}

export interface UpdatableUpload {
  /** Changes the stored info: all of `changes` or nothing. */
  update(changes: FileInfoUpdate, context: StoreContext): Promise<void>;
}

/** A store whose infos can be changed (expiration, concatenation-unfinished, retried finish hooks). */
export interface UpdaterDataStore {
  asUpdatableUpload(upload: Upload): UpdatableUpload;
}

export interface ListFilter {
  readonly state?: FileInfo['state'];
  /** Only uploads whose `expiresAt` is before this time. */
  readonly expiresBefore?: Date;
  /** How many at most; the store's default otherwise. */
  readonly limit?: number;
}

/** An upload that could not be read for a list. */
export interface ListFailure {
  readonly id: string;
  readonly error: Error;
}

export interface ListPage {
  readonly uploads: FileInfo[];
  /** What is damaged, or cannot be read now: it is reported, and the list goes on. */
  readonly failures?: readonly ListFailure[];
  /** Give it to the next call; absent at the end. */
  readonly cursor?: string;
}

/** A store whose uploads can be listed (expiration's sweeper, TusService). */
export interface ListerDataStore {
  list(filter: ListFilter, cursor?: string): Promise<ListPage>;
}
