import type { ByteRange, FileInfo, ServedContent } from '@nestjs-tus/core';

/** What a backend gives and the record keeps for it, unread. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Names what an object's content is now; another content has another version. Only equality counts. */
export type Version = string;

/** Bytes to store: in memory, or read anew for each attempt. `open` may reject, and may break: a call that reads it rejects with that error. */
export type Content = Buffer | { readonly size: number; open(): AsyncIterable<Uint8Array> };

export interface PutOptions {
  /** Rejects with `Changed` when there is an object with this key. */
  readonly unless?: 'exists';
  /** Rejects with `Changed` when the object has another version, with `Missing` when there is none. */
  readonly ifVersion?: Version;
  /** Makes this the object of an upload, with the headers that such objects get. */
  readonly owner?: Owner;
  /** A media type. Default: the service's. */
  readonly contentType?: string;
  /** The call may end when this aborts; what it was to store may be there all the same. */
  readonly signal?: AbortSignal;
}

/** Whose an object is. */
export interface Owner {
  readonly info: FileInfo;
  /** Names one attempt to make the object. Kept with the object, and returned by `head`. Up to 153 characters of printable ASCII. */
  readonly attempt: string;
}

export interface HeadOfObject {
  /** Bytes. */
  readonly size: number;
  /** Of the `owner` with which the object was made. */
  readonly attempt?: string;
}

export interface ListedKey {
  readonly key: string;
  readonly version: Version;
}

/** Where a list goes on: what the page before has said, or after a key. */
export interface ListPosition {
  /** The service's own word for the position. */
  readonly token?: string;
  /** The last key that was listed. */
  readonly after?: string;
}

export interface ListedKeys {
  readonly keys: readonly ListedKey[];
  /** Absent at the end. */
  readonly next?: ListPosition;
}

/**
 * Objects by key. What was stored is seen by every call that begins afterwards, `list` included.
 *
 * Every call rejects with one of the problems of problems.ts when it fails for a reason that they name; any other error is taken for a defect.
 */
export interface Objects {
  /** What an upload's info says of its place, beside the key, e.g. `{ type: 's3store', bucket: 'uploads' }`. */
  readonly location: Readonly<Record<string, string>>;
  /** `maxKey`: bytes of the longest key, as UTF-8. */
  readonly limits: { readonly maxKey: number };
  /** What `put` can promise: `version` also keeps `ifVersion`; `absence` keeps `unless` only, so that each version of a record has a key of its own. */
  readonly conditions: 'version' | 'absence';

  /** @throws HttpError when an upload with this info cannot have an object: headers that the app chose for it are wrong */
  checkUpload?(info: FileInfo): void;
  put(key: string, content: Content | string, options?: PutOptions): Promise<Version>;
  /** @param known resolves with `unchanged` when this is the version still. @throws Missing */
  read(key: string, known?: Version): Promise<{ text: string; version: Version } | 'unchanged'>;
  /**
   * Bytes of an object, exactly as many as the range has, or an error. Its `return()` ends the transfer at once, also before the first byte.
   * @throws Missing before the first byte
   */
  open(key: string, range: ByteRange): Promise<AsyncIterableIterator<Uint8Array, void>>;
  /** Undefined when there is no such object, or when a 404 came from elsewhere: see `isListed`. */
  head(key: string): Promise<HeadOfObject | undefined>;
  /** Resolves, too, when there is no such object. */
  remove(key: string): Promise<void>;
  /** Some keys that begin with `prefix`, without those that have a slash behind it, in the order of their UTF-8; perhaps none. */
  list(prefix: string, from: ListPosition, limit?: number): Promise<ListedKeys>;
  /** Where the service itself serves an object. Absent: content goes through this process. */
  url?(key: string, served: ServedContent): Promise<string>;
}
