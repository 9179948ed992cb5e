import { anchored, checkConfig, POST_FINISH_DEFAULTS } from './config/config-options.js';
import type { Config, CorsConfig, ExpirationConfig, PostFinishConfig, TusLogger } from './config.js';
import { guardedLogger } from './guarded-logger.js';
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

/**
 * Checks the options and fills in the defaults. The object that was given is not changed.
 * @throws TypeError that names the option and says what to write instead
 */
export function resolveConfig(given: Config): ResolvedConfig {
  const config = checkConfig(given);
  if (config.postFinishCallback && !config.storeComposer.usesUpdater) {
    throw new TypeError(
      'postFinishCallback needs a store that keeps what is not told yet: write one with UpdaterDataStore, or use preFinishResponseCallback',
    );
  }
  return {
    storeComposer: config.storeComposer,
    maxSize: config.maxSize ?? 0,
    basePath: basePath(config.basePath ?? '/files/'),
    enableExperimentalProtocol: config.enableExperimentalProtocol ?? false,
    minSize: config.minSize ?? 0,
    minAppendSize: config.minAppendSize ?? 0,
    maxAppendSize: config.maxAppendSize ?? 0,
    disableDownload: config.disableDownload ?? false,
    disableTermination: config.disableTermination ?? false,
    disableConcatenation: config.disableConcatenation ?? false,
    cors: cors(config),
    notifyCompleteUploads: config.notifyCompleteUploads ?? true,
    notifyTerminatedUploads: config.notifyTerminatedUploads ?? true,
    notifyUploadProgress: config.notifyUploadProgress ?? true,
    notifyCreatedUploads: config.notifyCreatedUploads ?? true,
    logger: guardedLogger(config.logger ?? ERRORS_TO_CONSOLE),
    respectForwardedHeaders: config.respectForwardedHeaders ?? false,
    preUploadCreateCallback: config.preUploadCreateCallback,
    preFinishResponseCallback: config.preFinishResponseCallback,
    preUploadTerminateCallback: config.preUploadTerminateCallback,
    postFinishCallback: config.postFinishCallback,
    postFinish: { ...POST_FINISH_DEFAULTS, ...config.postFinish },
    networkTimeout: config.networkTimeout ?? 60_000,
    acquireLockTimeout: config.acquireLockTimeout ?? 20_000,
    gracefulRequestCompletionTimeout: config.gracefulRequestCompletionTimeout ?? 10_000,
    uploadProgressInterval: config.uploadProgressInterval ?? 1_000,
    maxMetadataSize: config.maxMetadataSize ?? 8 * 1024,
    maxPartials: config.maxPartials ?? 1_000,
    expiration: { after: 0, sweepInterval: 60_000, ...config.expiration },
  };
}

function basePath(value: string): string {
  const path = value.endsWith('/') ? value : `${value}/`;
  if (/^https?:\/\//i.test(path)) return path;
  return path.startsWith('/') ? path : `/${path}`;
}

function cors(config: Config): CorsConfig {
  const merged = { ...DEFAULT_CORS_CONFIG, ...config.cors };
  if (config.disableCors) merged.disable = true;
  return Object.freeze({ ...merged, allowOrigin: anchored(merged.allowOrigin) });
}
