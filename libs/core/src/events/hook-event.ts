import type { FileInfo, JsonValue, MetaData, UploadInEvent } from '../file-info.js';

/** The basic facts of the HTTP request that caused an event. */
export interface HTTPRequest {
  /** After X-HTTP-Method-Override: `POST`, `PATCH` … */
  readonly method: string;
  /** The request target as the client sent it, e.g. `/files/f00`. */
  readonly uri: string;
  /** `address:port` of the socket's other end. */
  readonly remoteAddr: string;
  /** All headers, in lower case, as Node joins duplicates. */
  readonly header: Readonly<Record<string, string | string[] | undefined>>;
}

/** What hooks and event listeners are given. */
export interface HookEvent {
  readonly upload: UploadInEvent;
  readonly httpRequest: HTTPRequest;
  /** The framework's own request (Express, Fastify), or Node's, while one is running. */
  readonly request?: unknown;
}

/**
 * A part of an HTTP response that a hook decides. What is absent stays as it is. The protocol's own fields (Content-Length,
 * Transfer-Encoding, Connection, Trailer, Upgrade, Tus-Resumable, Upload-Offset, Upload-Complete, Location of a 201 …) are ignored with a
 * warning.
 */
export interface HookResponse {
  /** 200 to 599. */
  readonly statusCode?: number;
  /** Values are Latin-1 without control characters, all together at most 4,096 bytes. Names match the protocol's in any spelling. */
  readonly header?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What preUploadCreate may change before the upload exists. */
export interface FileInfoChanges {
  /** The upload's id: 1 to 128 of `A-Z a-z 0-9 . _ ~ -`. */
  readonly id?: string;
  /** Replaces all metadata; `{}` clears it. Keys are ASCII without spaces and commas, values any text. */
  readonly metaData?: MetaData;
  /** For the store; `{ path }` places the file of a FileStore. */
  readonly storage?: Readonly<Record<string, string>>;
  /** Bytes, a whole number; a smaller limit for this upload. 0: none. */
  readonly maxSize?: number;
  readonly expiresAt?: Date;
  /** Kept with the upload, never sent. */
  readonly context?: JsonValue;
}

/**
 * What a hook may answer. `changes` counts from preUploadCreate only. An answer that cannot be stored or sent, or that has an unknown key,
 * is an error of the hook: it is logged, the client gets 500, and nothing exists.
 */
export interface HookResult {
  readonly changes?: FileInfoChanges;
  readonly response?: HookResponse;
}

/**
 * A hook refuses by throwing: an HttpError, or an HttpException of Nest. Anything else that it throws, errors of other libraries that have
 * a status included, is a 500 without its text.
 */
export type HookCallback = (event: HookEvent) => Promise<HookResult | void> | HookResult | void;

export type UploadEventName = 'created' | 'progress' | 'completed' | 'terminated' | 'expired';

export type { FileInfo };
