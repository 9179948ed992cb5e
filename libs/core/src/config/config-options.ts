import type { Config, CorsConfig, ExpirationConfig, PostFinishConfig, TusLogger } from '../config.js';
import { checkOptions, type OptionKind, optionsOf, type OptionTable } from './check-options.js';
import {
  functionSuchAs,
  kindOf,
  milliseconds,
  millisecondsOrNever,
  regularExpression,
  required,
  textOf,
  trueOrFalse,
  wholeNumber,
  withMethods,
} from './option-kinds.js';

/**
 * Milliseconds of the longest time until an upload expires: 1,000 years. Beyond it the date has more than four digits of a year, which
 * Upload-Expires and the info of an upload cannot hold, and soon after that no Date at all.
 */
export const LONGEST_EXPIRATION = 1_000 * 365 * 24 * 3_600_000;

const bytes = wholeNumber({ unit: 'bytes' });
/** A value of a response field. */
const fieldValue = (example: string) =>
  textOf(`text such as '${example}'`, (text) => /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text));

const CORS_OPTIONS: OptionTable<CorsConfig> = {
  disable: trueOrFalse,
  allowOrigin: regularExpression('/https:\\/\\/app\\.example\\.com/ for the origins that may upload'),
  allowCredentials: trueOrFalse,
  allowMethods: fieldValue('POST, HEAD, PATCH, OPTIONS, GET, DELETE'),
  allowHeaders: fieldValue('Authorization, Content-Type, Upload-Length'),
  maxAge: textOf("seconds as text, e.g. '86400'", (text) => /^\d{1,10}$/.test(text)),
  exposeHeaders: fieldValue('Location, Upload-Offset'),
};

const EXPIRATION_OPTIONS: OptionTable<ExpirationConfig> = {
  after: wholeNumber({ unit: 'milliseconds', most: LONGEST_EXPIRATION }),
  sweepInterval: millisecondsOrNever,
};

const POST_FINISH_OPTIONS: OptionTable<PostFinishConfig> = {
  concurrency: wholeNumber({ least: 1 }),
  retryDelay: milliseconds,
  maxRetryDelay: milliseconds,
};

/** Each attempt of a hook waits twice as long as the one before. */
export const POST_FINISH_DEFAULTS: PostFinishConfig = {
  concurrency: 4,
  retryDelay: 1_000,
  maxRetryDelay: 300_000,
};

/** Of every logger: Nest's Logger, `console`, or one of an app's own. */
export const loggerKind = withMethods(
  'an object with the methods error, warn and log, such as console or a Logger of Nest',
  ['error', 'warn', 'log'] satisfies (keyof TusLogger)[],
  ['debug'] satisfies (keyof TusLogger)[],
);

/** The options of the engine. */
export const CONFIG_OPTIONS: OptionTable<Config> = {
  storeComposer: required(storeComposer()),
  maxSize: bytes,
  basePath: basePath(),
  enableExperimentalProtocol: trueOrFalse,
  minSize: bytes,
  minAppendSize: bytes,
  maxAppendSize: bytes,
  disableDownload: trueOrFalse,
  disableTermination: trueOrFalse,
  disableConcatenation: trueOrFalse,
  disableCors: trueOrFalse,
  cors: optionsOf(CORS_OPTIONS, {
    example:
      'an object such as { allowOrigin: /https:\\/\\/app\\.example\\.com/ }, or { disable: true } for none of its headers',
  }),
  notifyCompleteUploads: trueOrFalse,
  notifyTerminatedUploads: trueOrFalse,
  notifyUploadProgress: trueOrFalse,
  notifyCreatedUploads: trueOrFalse,
  logger: loggerKind,
  respectForwardedHeaders: trueOrFalse,
  preUploadCreateCallback: functionSuchAs('async (event) => { … }'),
  preFinishResponseCallback: functionSuchAs('async (event) => { … }'),
  preUploadTerminateCallback: functionSuchAs('async (event) => { … }'),
  postFinishCallback: functionSuchAs('async (event) => { … }'),
  postFinish: optionsOf(POST_FINISH_OPTIONS, { example: 'an object such as { concurrency: 4 }' }),
  networkTimeout: milliseconds,
  acquireLockTimeout: milliseconds,
  gracefulRequestCompletionTimeout: milliseconds,
  uploadProgressInterval: milliseconds,
  maxMetadataSize: bytes,
  maxPartials: wholeNumber({ least: 1 }),
  expiration: optionsOf(EXPIRATION_OPTIONS, { example: 'an object such as { after: 86_400_000 }' }),
};

/**
 * Checks the options of the engine, each by itself and those that must fit together.
 * @throws TypeError that says what to write instead
 */
export function checkConfig(given: unknown): Config {
  const config = checkOptions<Config>(given, CONFIG_OPTIONS, {
    example: 'an object such as { storeComposer: StoreComposer.of(store, locker) }',
  });
  checkTogether(config);
  return config;
}

/**
 * Checks what several options say together.
 * @throws TypeError that says what to write instead
 */
export function checkTogether(config: Omit<Config, 'storeComposer'>): void {
  atMost('minSize', config.minSize, 'maxSize', config.maxSize);
  atMost('minAppendSize', config.minAppendSize, 'maxAppendSize', config.maxAppendSize);
  const { retryDelay, maxRetryDelay = POST_FINISH_DEFAULTS.maxRetryDelay } = config.postFinish ?? {};
  atMost('postFinish.retryDelay', retryDelay, 'postFinish.maxRetryDelay', maxRetryDelay);
  const { allowCredentials, allowOrigin = /.*/, disable = config.disableCors } = config.cors ?? {};
  if (allowCredentials && !disable && anchored(allowOrigin).test(SOME_ORIGIN)) {
    throw new TypeError(
      'cors.allowCredentials lets every site send requests with the cookies of its visitors: ' +
        'write cors.allowOrigin, a RegExp that names your own origins, such as /https:\\/\\/app\\.example\\.com/',
    );
  }
}

/** An origin that no application names. RFC 2606 reserves the domain. */
const SOME_ORIGIN = 'https://an-origin-that-is-nowhere-named.invalid';

/** The expression, for the whole of an Origin header. */
export function anchored({ source, flags }: RegExp): RegExp {
  return new RegExp(`^(?:${source})$`, flags.replace(/[gy]/g, ''));
}

/** A limit below another one, where both are set; a pair that excludes everything is a mistake. */
function atMost(name: string, value = 0, limitName: string, limit = 0): void {
  if (limit > 0 && value > limit)
    throw new TypeError(`${name} is ${value}: write at most ${limitName}, ${limit}`);
}

function storeComposer(): OptionKind {
  const form = '`storeComposer: StoreComposer.of(store, locker)`';
  const composer = withMethods(form, ['useCore', 'useLocker', 'capabilities']);
  return {
    form,
    read(value, path) {
      const { core } = composer.read(value, path) as Config['storeComposer'];
      if (core) return value;
      throw new TypeError(
        `${path} has no core store: call \`composer.useCore(store)\` or \`store.useIn(composer)\` first`,
      );
    },
  };
}

function basePath(): OptionKind {
  return kindOf("a path such as '/files/' or an absolute URL without a password or query", (value) => {
    if (typeof value !== 'string') return false;
    if (!/^https?:/i.test(value)) return isPlainPath(value);
    const { pathname, username, password } = new URL(value);
    return !username && !password && !/[?#\s\\]/.test(value) && isPlainPath(pathname);
  });
}

/** True when it names one place to all that read it: nothing to normalise, no host in front. */
function isPlainPath(path: string): boolean {
  if (/[?#\s\\\u0000-\u001f\u007f]|\/\/|:\/|(^|\/)\.{1,2}(\/|$)/.test(path)) return false;
  // Throws for an escape that means nothing, which counts as refused.
  return decodeURI(path) !== undefined;
}
