import { checkPath } from '../http/path-pattern.js';
import { GRAPH_KEYS } from './tus-module-options.js';
import type { TusModuleOptions } from './tus-module-options.js';

/** Every option of behaviour. A record, so that the compiler misses one that is forgotten. */
const KNOWN: Readonly<Record<keyof TusModuleOptions, true>> = {
  path: true,
  version: true,
  publicUrl: true,
  durability: true,
  maxSize: true,
  enableExperimentalProtocol: true,
  minSize: true,
  minAppendSize: true,
  maxAppendSize: true,
  disableDownload: true,
  disableTermination: true,
  disableConcatenation: true,
  disableCors: true,
  cors: true,
  notifyCompleteUploads: true,
  notifyTerminatedUploads: true,
  notifyUploadProgress: true,
  notifyCreatedUploads: true,
  logger: true,
  respectForwardedHeaders: true,
  preUploadCreateCallback: true,
  preFinishResponseCallback: true,
  preUploadTerminateCallback: true,
  postFinishCallback: true,
  postFinish: true,
  networkTimeout: true,
  acquireLockTimeout: true,
  gracefulRequestCompletionTimeout: true,
  uploadProgressInterval: true,
  maxMetadataSize: true,
  maxPartials: true,
  expiration: true,
};

/** What to write instead of options that people know from elsewhere. */
const INSTEAD: Readonly<Record<string, string>> = {
  basePath: '`path` for the route below the global prefix, or `publicUrl` for an absolute URL',
  storeComposer: '`store` and `locker`, or override the provider TUS_COMPOSER',
};

/**
 * Checks the options that are the module's own, and that there are no others: a misspelt limit would be no limit. The
 * engine checks its own when it is made.
 * @throws TypeError that says what to write
 */
export function checkOptions(options: unknown): TusModuleOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`the options are ${String(options)}: return an object, e.g. \`{ path: 'files' }\``);
  }
  for (const key of Object.keys(options)) checkKey(key);
  const { path, publicUrl, durability } = options as TusModuleOptions;
  if (path !== undefined) checkPath(path);
  if (publicUrl !== undefined) checkPublicUrl(publicUrl);
  if (durability !== undefined && durability !== 'crash' && durability !== 'power-loss') {
    throw new TypeError(`durability is ${String(durability)}: write 'crash' or 'power-loss'`);
  }
  return options;
}

function checkKey(key: string): void {
  if (key in KNOWN) return;
  const instead = INSTEAD[key];
  if (instead) throw new TypeError(`${key} is no option of TusModule: write ${instead}`);
  if ((GRAPH_KEYS as readonly string[]).includes(key)) {
    throw new TypeError(
      `${key} shapes the module, so it cannot come from configuration: write it beside useFactory`,
    );
  }
  const close = Object.keys(KNOWN).find((known) => known.toLowerCase() === key.toLowerCase());
  throw new TypeError(`${key} is no option of TusModule${close ? `: write ${close}` : ''}`);
}

function checkPublicUrl(publicUrl: string): void {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  if (url && /^https?:$/.test(url.protocol) && !url.search && !url.hash) return;
  throw new TypeError(
    `publicUrl is ${JSON.stringify(publicUrl)}: write an absolute URL such as 'https://files.example.com/uploads/'`,
  );
}
