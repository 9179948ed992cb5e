import type { HookCallback } from './events/hook-event.js';
import type { StoreComposer } from './store/store-composer.js';

/** Where the engine writes its log. Nest's Logger is one, `console` is another. */
export interface TusLogger {
  error(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  log(message: string, ...details: unknown[]): void;
  debug?(message: string, ...details: unknown[]): void;
}

/** Cross-Origin Resource Sharing. */
export interface CorsConfig {
  /** No CORS header is read or written; something in front does it. */
  readonly disable: boolean;
  /** Matched against the whole Origin header (it is anchored here). No match: 403. */
  readonly allowOrigin: RegExp;
  readonly allowCredentials: boolean;
  /** Value of Access-Control-Allow-Methods. */
  readonly allowMethods: string;
  /** Value of Access-Control-Allow-Headers; what active extensions need is appended. */
  readonly allowHeaders: string;
  /** Value of Access-Control-Max-Age, in seconds. */
  readonly maxAge: string;
  /** Value of Access-Control-Expose-Headers; what active extensions need is appended. */
  readonly exposeHeaders: string;
}

/** Removal of what nobody goes on with. */
export interface ExpirationConfig {
  /** Milliseconds without activity after which an unfinished upload expires; 0: never. */
  readonly after: number;
  /** Milliseconds between two sweeps; 0: this process does not sweep. */
  readonly sweepInterval: number;
}

/** How the postFinish hook is called. */
export interface PostFinishConfig {
  /** Hooks that run at the same time. Default 4. */
  readonly concurrency: number;
  /** Milliseconds until a hook that failed is called again; doubled each time. Default 1,000. */
  readonly retryDelay: number;
  /** The longest of these delays in milliseconds. Default 300,000. */
  readonly maxRetryDelay: number;
}

/** The options of a handler. Times are milliseconds, sizes bytes. */
export interface Config {
  /** The store and its extensions. Required. */
  storeComposer: StoreComposer;
  /** Largest upload; 0: no limit. */
  maxSize?: number;
  /** Path below which uploads live, or an absolute URL. A slash is added at the end. Default `/files/`. */
  basePath?: string;
  /** Serves the IETF draft beside tus 1.0.0. */
  enableExperimentalProtocol?: boolean;
  /**
   * Smallest upload that the draft may send in parts, in bytes; default 0. A smaller one is taken as a whole: no 104 tells its URL, it is
   * not kept when the connection breaks, and `?0` is 400.
   */
  minSize?: number;
  /** Fewest bytes of a draft request's content that does not complete the upload; less is 400. Default 0. */
  minAppendSize?: number;
  /** Most bytes of a draft request's content; more is 413. 0, the default: no limit. */
  maxAppendSize?: number;
  /** GET is 405. */
  disableDownload?: boolean;
  /** DELETE is 405. */
  disableTermination?: boolean;
  /** Upload-Concat is 400. */
  disableConcatenation?: boolean;
  /** @deprecated `cors: { disable: true }` says the same. */
  disableCors?: boolean;
  /** Overrides of `DEFAULT_CORS_CONFIG`. */
  cors?: Partial<CorsConfig>;
  /** Each reports one kind of event. Default true: a stream that nobody watches costs nothing. */
  notifyCompleteUploads?: boolean;
  notifyTerminatedUploads?: boolean;
  notifyUploadProgress?: boolean;
  notifyCreatedUploads?: boolean;
  /** Default: nothing is logged but errors, to `console`. */
  logger?: TusLogger;
  /** Trusts Forwarded, X-Forwarded-Host, X-Forwarded-Proto and X-Forwarded-Prefix for Location. */
  respectForwardedHeaders?: boolean;
  /** Runs before an upload is created; refuses by throwing. */
  preUploadCreateCallback?: HookCallback;
  /** Runs when all bytes are stored, before the client is told. */
  preFinishResponseCallback?: HookCallback;
  /** Runs before a client's DELETE. */
  preUploadTerminateCallback?: HookCallback;
  /**
   * Runs after a client was told that its upload is complete, outside the request: a failure is no answer to anybody, but a
   * reason to call it again, later or after a restart (`TusHandler.resume`), until it resolves. So it is called at least once, and must
   * bear being called twice. Needs a store with `UpdaterDataStore`, and `ListerDataStore` for what an earlier process left.
   */
  postFinishCallback?: HookCallback;
  /** Concurrency and repetition of `postFinishCallback`. */
  postFinish?: Partial<PostFinishConfig>;
  /**
   * Longest silence of a request's body; then it is cut, and its bytes are kept. A download whose reader takes nothing for this time is cut, too, 5
   * seconds later at the earliest (15 where the system is not Linux), since the buffers of both systems hide what it takes. Default 60,000.
   */
  networkTimeout?: number;
  /** Longest wait for an upload's lock; then 423. Default 20,000. */
  acquireLockTimeout?: number;
  /** How long a request may take to commit after its client is gone or the server shuts down. Default 10,000. */
  gracefulRequestCompletionTimeout?: number;
  /** Time between two progress events of one upload. Default 1,000. */
  uploadProgressInterval?: number;
  /**
   * Most bytes of the header fields of a creation that are kept with the upload; more is 400. In tus it is Upload-Metadata, in the draft that and
   * Content-Type, -Disposition, -Encoding, -Language, Repr-Digest and Want-Repr-Digest together. Default 8,192.
   */
  maxMetadataSize?: number;
  /** Most partial uploads that a final one may name, one at most 8 times; more is 400. 1 or more; default 1,000. */
  maxPartials?: number;
  /** Default: nothing expires. */
  expiration?: Partial<ExpirationConfig>;
}
