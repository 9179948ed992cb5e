import { LONGEST_EXPIRATION } from '@nestjs-tus/core';
import { DURATION_FORM, parseDuration } from './duration.js';
import { parseSize, SIZE_FORM } from './size.js';

/** How the text of a flag becomes a value. */
export interface FlagKind<T> {
  /** Stands in the help behind the flag; absent for a switch. */
  readonly placeholder?: string;
  /** Completes "--flag wants …". */
  readonly form: string;
  /** True when the text may hold a password: an error does not repeat it. */
  readonly isSecret?: boolean;
  /** Undefined: the text is not of this form. */
  parse(text: string): T | undefined;
}

/** One flag of the command line, which is also an environment variable. */
export interface Flag<T> {
  /** Without the dashes. */
  readonly name: string;
  readonly kind: FlagKind<T>;
  /** As it would be written on the command line; empty for none. */
  readonly fallback: string;
  readonly description: string;
}

const WORDS: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'on', 'yes'].map((word) => [word, true] as const),
  ...['false', '0', 'off', 'no'].map((word) => [word, false] as const),
]);

const text: FlagKind<string> = {
  placeholder: 'TEXT',
  form: 'a value that is not empty',
  parse: (value) => (value.trim() === '' ? undefined : value),
};

/** Nothing, until it is said. */
const optionalText: FlagKind<string> = { placeholder: 'TEXT', form: 'text', parse: (value) => value };

const optionalUrl: FlagKind<string> = {
  placeholder: 'URL',
  form: 'a URL such as https://s3.example.com, without a password or query',
  parse: (value) => (value === '' || isPlainUrl(value) ? value : undefined),
};

function isPlainUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password, search, hash } = new URL(value);
  return /^https?:$/.test(protocol) && username + password + search + hash === '';
}

const HOUR_MS = 3_600_000;

/** A time after which uploads expire. The engine takes no longer one, since its date could not be written. */
const expiration: FlagKind<number> = {
  placeholder: 'DURATION',
  form: `${DURATION_FORM}; at most ${LONGEST_EXPIRATION / HOUR_MS}h`,
  parse: (value) => {
    const milliseconds = parseDuration(value);
    return milliseconds !== undefined && milliseconds <= LONGEST_EXPIRATION ? milliseconds : undefined;
  },
};

/** What Node's timers can wait: beyond it they fire at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** A time to wait: none at all would refuse everything. */
const timeout: FlagKind<number> = {
  placeholder: 'DURATION',
  form: 'a duration from 1ms to 596h such as 500ms, 10s, 5m or 24h',
  parse: (value) => {
    const milliseconds = parseDuration(value);
    return milliseconds && milliseconds <= LONGEST_TIMEOUT_MS ? milliseconds : undefined;
  },
};

/** A time between two of something; 0: never. */
const interval: FlagKind<number> = {
  placeholder: 'DURATION',
  form: `${timeout.form}, or 0`,
  parse: (value) => (value === '0' ? 0 : timeout.parse(value)),
};

const LONGEST_PRESIGNED_MS = 7 * 24 * HOUR_MS;

/** How long a presigned URL is good; 0: there is none. */
const presigned: FlagKind<number> = {
  placeholder: 'DURATION',
  form: 'a duration from 1s to 168h such as 5m, or 0',
  parse: (value) => {
    const milliseconds = parseDuration(value);
    const isInRange = milliseconds && milliseconds >= 1_000 && milliseconds <= LONGEST_PRESIGNED_MS;
    return value === '0' ? 0 : isInRange ? milliseconds : undefined;
  },
};

const size: FlagKind<number> = { placeholder: 'SIZE', form: SIZE_FORM, parse: parseSize };

const toggle: FlagKind<boolean> = {
  form: 'nothing, or =true or =false',
  parse: (value) => WORDS.get(value.toLowerCase()),
};

const LARGEST_PORT = 65_535;
const port: FlagKind<number> = {
  placeholder: 'PORT',
  form: `a port from 0 to ${LARGEST_PORT}`,
  parse: (value) => (/^\d{1,5}$/.test(value) && Number(value) <= LARGEST_PORT ? Number(value) : undefined),
};

const MOST_WORKERS = 1_024;
const workers: FlagKind<number> = {
  placeholder: 'COUNT',
  form: `a number from 1 to ${MOST_WORKERS}`,
  parse: (value) =>
    /^[1-9]\d{0,3}$/.test(value) && Number(value) <= MOST_WORKERS ? Number(value) : undefined,
};

const LARGEST_NUMBER = 1_000_000_000;
const number: FlagKind<number> = {
  placeholder: 'COUNT',
  form: `a number from 0 to ${LARGEST_NUMBER}`,
  parse: (value) => (/^\d{1,10}$/.test(value) && Number(value) <= LARGEST_NUMBER ? Number(value) : undefined),
};

const positive: FlagKind<number> = {
  placeholder: 'COUNT',
  form: `a number from 1 to ${LARGEST_NUMBER}`,
  parse: (value) => number.parse(value) || undefined,
};

const path: FlagKind<string> = {
  placeholder: 'PATH',
  form: 'a path such as /files/, of letters, digits and . _ ~ - between slashes',
  parse: (value) => {
    const segments = value.split('/').filter((segment) => segment !== '');
    const plain = segments.every((segment) => /^[A-Za-z0-9._~-]+$/.test(segment) && !/^\.+$/.test(segment));
    return plain ? `/${segments.map((segment) => `${segment}/`).join('')}` : undefined;
  },
};

const expression: FlagKind<RegExp> = {
  placeholder: 'REGEXP',
  form: 'a regular expression that is not empty',
  parse: (value) => {
    if (value === '') return undefined;
    try {
      return new RegExp(value);
    } catch {
      return undefined;
    }
  },
};

const redisUrl: FlagKind<string> = {
  placeholder: 'URL',
  form: 'a URL such as redis://user:password@host:6379/0, or rediss:// for TLS',
  isSecret: true,
  parse: (value) =>
    /^rediss?:\/\/./.test(value) && URL.canParse(value) && /^\/?\d*$/.test(new URL(value).pathname)
      ? value
      : undefined,
};

function oneOf<const T extends string>(...choices: readonly T[]): FlagKind<T> {
  return {
    placeholder: choices.join('|'),
    form: `one of ${choices.join(', ')}`,
    parse: (value) => choices.find((choice) => choice === value),
  };
}

function flag<T>(name: string, kind: FlagKind<T>, fallback: string, description: string): Flag<T> {
  return { name, kind, fallback, description };
}

/** The flags, by the option that each sets, in the order of the help. */
export const FLAGS = {
  host: flag('host', text, '0.0.0.0', 'address to listen on'),
  port: flag('port', port, '8080', 'port to listen on; 0 picks a free one'),
  basePath: flag('base-path', path, '/files/', 'path below which uploads live'),
  store: flag('store', oneOf('file', 'memory', 's3'), 'file', 'where uploads are kept'),
  uploadDir: flag('upload-dir', text, './data', 'directory of the file store'),
  durability: flag(
    'durability',
    oneOf('crash', 'power-loss'),
    'crash',
    'what an acknowledged byte survives: the end of the process, or the loss of power',
  ),
  locker: flag(
    'locker',
    oneOf('memory', 'file', 'redis'),
    'memory',
    'who holds an upload: one process, one host, or many hosts',
  ),
  redisUrl: flag('redis-url', redisUrl, 'redis://127.0.0.1:6379', 'server of the redis locker'),
  s3Bucket: flag('s3-bucket', optionalText, '', 'bucket of the S3 store'),
  s3Endpoint: flag('s3-endpoint', optionalUrl, '', 'service of the S3 store, if it is not AWS'),
  s3Region: flag('s3-region', optionalText, '', "region of the S3 store; else AWS_REGION's"),
  s3ObjectPrefix: flag('s3-object-prefix', optionalText, '', 'put before every key of the S3 store'),
  s3PartSize: flag(
    's3-part-size',
    size,
    '8MiB',
    'size of the parts of the S3 store, while the length allows',
  ),
  s3MinPartSize: flag('s3-min-part-size', size, '5MiB', 'smallest part that the S3 service takes'),
  s3PresignedDownloads: flag(
    's3-presigned-downloads',
    presigned,
    '0',
    'redirect GET to a URL that the S3 service signs for this long; 0: content goes through the server',
  ),
  s3PublicEndpoint: flag(
    's3-public-endpoint',
    optionalUrl,
    '',
    'where clients reach the S3 service, for presigned URLs; else --s3-endpoint',
  ),
  maxSize: flag('max-size', size, '0', 'largest upload; 0: no limit'),
  enableExperimentalProtocol: flag(
    'enable-experimental-protocol',
    toggle,
    'false',
    'serve the IETF draft beside tus 1.0.0',
  ),
  minSize: flag('min-size', size, '0', 'IETF draft: smallest upload that is sent in parts'),
  minAppendSize: flag(
    'min-append-size',
    size,
    '0',
    'IETF draft: smallest part of an upload, the last one excepted',
  ),
  maxAppendSize: flag('max-append-size', size, '0', 'IETF draft: largest part of an upload; 0: no limit'),
  maxMetadataSize: flag(
    'max-metadata-size',
    size,
    '8KiB',
    'longest Upload-Metadata header, and in the IETF draft all fields that describe an upload',
  ),
  maxPartials: flag(
    'max-partials',
    positive,
    '1000',
    'most partial uploads that a final one may name, one at most 8 times',
  ),
  expireAfter: flag(
    'expire-after',
    expiration,
    '0',
    'time without activity after which an unfinished upload expires; 0: never',
  ),
  expireSweepInterval: flag(
    'expire-sweep-interval',
    interval,
    '1m',
    'how often what expired is removed; 0: not by this process',
  ),
  networkTimeout: flag(
    'network-timeout',
    timeout,
    '60s',
    "longest silence of a request's body, and of the reader of a download",
  ),
  headerTimeout: flag('header-timeout', timeout, '60s', 'longest time for the head of a request'),
  keepAliveTimeout: flag(
    'keep-alive-timeout',
    timeout,
    '75s',
    'how long an idle connection stays open: longer than a load balancer in front keeps it',
  ),
  maxConnections: flag(
    'max-connections',
    number,
    '0',
    'most connections, shared out among the workers; more are closed at once; 0: no limit',
  ),
  acquireLockTimeout: flag(
    'acquire-lock-timeout',
    timeout,
    '20s',
    "longest wait for an upload's lock; then 423",
  ),
  shutdownTimeout: flag(
    'shutdown-timeout',
    timeout,
    '10s',
    'longest time from SIGTERM to the end of the process',
  ),
  progressInterval: flag('progress-interval', timeout, '1s', 'time between two progress events of an upload'),
  disableDownload: flag('disable-download', toggle, 'false', 'answer GET with 405'),
  disableTermination: flag('disable-termination', toggle, 'false', 'answer DELETE with 405'),
  disableConcatenation: flag('disable-concatenation', toggle, 'false', 'refuse Upload-Concat'),
  disableCors: flag('disable-cors', toggle, 'false', 'send no CORS headers; something in front does'),
  corsAllowOrigin: flag(
    'cors-allow-origin',
    expression,
    '.*',
    'origins that may upload; matches the whole Origin header',
  ),
  behindProxy: flag('behind-proxy', toggle, 'false', 'trust Forwarded and X-Forwarded-* headers'),
  exposeMetrics: flag('expose-metrics', toggle, 'false', 'answer GET /metrics in the format of Prometheus'),
  workers: flag('workers', workers, '1', 'processes; more than one needs --locker file or redis'),
  logLevel: flag(
    'log-level',
    oneOf('error', 'warn', 'log', 'debug'),
    'log',
    'least important lines that are logged',
  ),
} as const;

/** `--upload-dir` is also `TUS_UPLOAD_DIR`. */
export function environmentName(flagName: string): string {
  return `TUS_${flagName.toUpperCase().replaceAll('-', '_')}`;
}
