import type { Config, CorsConfig, ExpirationConfig, PostFinishConfig, TusLogger } from './config.js';
import type { StoreComposer } from './store/store-composer.js';

/** The reference's strings. The handler appends what active extensions need besides. */
export const DEFAULT_CORS_CONFIG: CorsConfig = Object.freeze({
  disable: false,
  allowOrigin: /.*/,
  allowCredentials: false,
  allowMethods: 'POST, HEAD, PATCH, OPTIONS, GET, DELETE',
  allowHeaders:
    'Authorization, Origin, X-Requested-With, X-Request-ID, X-HTTP-Method-Override, Content-Type, Upload-Length, Upload-Offset, Tus-Resumable, Upload-Metadata, Upload-Defer-Length, Upload-Concat, Upload-Incomplete, Upload-Draft-Interop-Version',
  maxAge: '86400',
  exposeHeaders:
    'Upload-Offset, Location, Upload-Length, Tus-Version, Tus-Resumable, Tus-Max-Size, Tus-Extension, Upload-Metadata, Upload-Defer-Length, Upload-Concat, Upload-Incomplete, Upload-Draft-Interop-Version',
});

/** Errors are worth a line even where nobody gave a logger; the rest is not. */
const { error, warn } = console;
const ERRORS_TO_CONSOLE: TusLogger = { error, warn, log: () => undefined };

/** A handler's options with defaults for all that was left out. */
export interface ResolvedConfig
  extends
    Required<Omit<Config, 'cors' | 'disableCors' | 'expiration' | 'postFinish' | HookOption>>,
    Pick<Config, HookOption> {
  readonly storeComposer: StoreComposer;
  readonly cors: CorsConfig;
  readonly expiration: ExpirationConfig;
  readonly postFinish: PostFinishConfig;
}

type HookOption =
  | 'preUploadCreateCallback'
  | 'preFinishResponseCallback'
  | 'preUploadTerminateCallback'
  | 'postFinishCallback';

/** Largest delay that a Node timer takes; beyond it fires at once. */
const MAX_TIMER = 2 ** 31 - 1;

/**
 * Checks the options and fills in the defaults. The object that was given is not changed.
 * @throws TypeError that names the option and says what to write instead
 */
export function resolveConfig(config: Config): ResolvedConfig {
  if (!config?.storeComposer) {
    throw new TypeError('storeComposer is missing: write `storeComposer: StoreComposer.of(store, locker)`');
  }
  if (!config.storeComposer.core) {
    throw new TypeError(
      'storeComposer has no core store: call `composer.useCore(store)` or `store.useIn(composer)` first',
    );
  }
  if (config.postFinishCallback && !config.storeComposer.usesUpdater) {
    throw new TypeError(
      'postFinishCallback needs a store that keeps what is not told yet: write one with UpdaterDataStore, or use preFinishResponseCallback',
    );
  }
  return {
    storeComposer: config.storeComposer,
    maxSize: size('maxSize', config.maxSize, 0),
    basePath: basePath(config.basePath ?? '/files/'),
    enableExperimentalProtocol: flag('enableExperimentalProtocol', config.enableExperimentalProtocol, false),
    ...draftLimits(config),
    disableDownload: flag('disableDownload', config.disableDownload, false),
    disableTermination: flag('disableTermination', config.disableTermination, false),
    disableConcatenation: flag('disableConcatenation', config.disableConcatenation, false),
    cors: cors(config),
    notifyCompleteUploads: flag('notifyCompleteUploads', config.notifyCompleteUploads, true),
    notifyTerminatedUploads: flag('notifyTerminatedUploads', config.notifyTerminatedUploads, true),
    notifyUploadProgress: flag('notifyUploadProgress', config.notifyUploadProgress, true),
    notifyCreatedUploads: flag('notifyCreatedUploads', config.notifyCreatedUploads, true),
    logger: config.logger ?? ERRORS_TO_CONSOLE,
    respectForwardedHeaders: flag('respectForwardedHeaders', config.respectForwardedHeaders, false),
    preUploadCreateCallback: callback('preUploadCreateCallback', config.preUploadCreateCallback),
    preFinishResponseCallback: callback('preFinishResponseCallback', config.preFinishResponseCallback),
    preUploadTerminateCallback: callback('preUploadTerminateCallback', config.preUploadTerminateCallback),
    postFinishCallback: callback('postFinishCallback', config.postFinishCallback),
    postFinish: {
      concurrency: count('postFinish.concurrency', config.postFinish?.concurrency, 4),
      retryDelay: duration('postFinish.retryDelay', config.postFinish?.retryDelay, 1_000),
      maxRetryDelay: duration('postFinish.maxRetryDelay', config.postFinish?.maxRetryDelay, 300_000),
    },
    networkTimeout: duration('networkTimeout', config.networkTimeout, 60_000),
    acquireLockTimeout: duration('acquireLockTimeout', config.acquireLockTimeout, 20_000),
    gracefulRequestCompletionTimeout: duration(
      'gracefulRequestCompletionTimeout',
      config.gracefulRequestCompletionTimeout,
      10_000,
    ),
    uploadProgressInterval: duration('uploadProgressInterval', config.uploadProgressInterval, 1_000),
    maxMetadataSize: size('maxMetadataSize', config.maxMetadataSize, 8 * 1024),
    maxPartials: count('maxPartials', config.maxPartials, 1_000),
    expiration: {
      after: size('expiration.after', config.expiration?.after, 0, 'milliseconds'),
      sweepInterval: sweepInterval(config.expiration?.sweepInterval ?? 60_000),
    },
  };
}

/** The limits that only the IETF draft knows. A pair that excludes every upload is a mistake. */
function draftLimits(config: Config): Pick<ResolvedConfig, 'minSize' | 'minAppendSize' | 'maxAppendSize'> {
  const minSize = size('minSize', config.minSize, 0);
  const minAppendSize = size('minAppendSize', config.minAppendSize, 0);
  const maxAppendSize = size('maxAppendSize', config.maxAppendSize, 0);
  const { maxSize = 0 } = config;
  if (maxSize > 0 && minSize > maxSize)
    throw new TypeError(`minSize is ${minSize}: write at most maxSize, ${maxSize}`);
  if (maxAppendSize > 0 && minAppendSize > maxAppendSize)
    throw new TypeError(`minAppendSize is ${minAppendSize}: write at most maxAppendSize, ${maxAppendSize}`);
  return { minSize, minAppendSize, maxAppendSize };
}

function size(name: string, value: number | undefined, fallback: number, unit = 'bytes'): number {
  if (value === undefined) return fallback;
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`${name} is ${String(value)}: write a whole number of ${unit}, 0 or more`);
}

function duration(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (Number.isFinite(value) && value > 0 && value <= MAX_TIMER) return value;
  throw new TypeError(
    `${name} is ${String(value)}: write milliseconds, more than 0 and at most ${MAX_TIMER}`,
  );
}

function count(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new TypeError(`${name} is ${String(value)}: write a whole number, 1 or more`);
}

function sweepInterval(value: number): number {
  return value === 0 ? 0 : duration('expiration.sweepInterval', value, value);
}

function flag(name: string, value: boolean | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${name} is ${String(value)}: write true or false`);
}

function callback<T>(name: string, value: T | undefined): T | undefined {
  if (value === undefined || typeof value === 'function') return value;
  throw new TypeError(`${name} is no function: write \`${name}: async (event) => { … }\``);
}

function basePath(value: string): string {
  if (typeof value !== 'string' || /[?#\s]/.test(value)) {
    throw new TypeError(
      `basePath is ${JSON.stringify(value)}: write a path such as '/files/' or an absolute URL without a query`,
    );
  }
  const path = value.endsWith('/') ? value : `${value}/`;
  if (/^https?:\/\//i.test(path)) return path;
  return path.startsWith('/') ? path : `/${path}`;
}

function cors(config: Config): CorsConfig {
  const merged = { ...DEFAULT_CORS_CONFIG, ...config.cors };
  if (config.disableCors) merged.disable = true;
  if (!(merged.allowOrigin instanceof RegExp)) {
    throw new TypeError(
      'cors.allowOrigin is no regular expression: write `allowOrigin: /https:\\/\\/app\\.example\\.com/`',
    );
  }
  const { source, flags } = merged.allowOrigin;
  return Object.freeze({ ...merged, allowOrigin: new RegExp(`^(?:${source})$`, flags.replace(/[gy]/g, '')) });
}
