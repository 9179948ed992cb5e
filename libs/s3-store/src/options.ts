import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { checkOptions, optionKinds, optionsOf } from '@nestjs-tus/core';
import type { FileInfo, OptionKind, OptionTable } from '@nestjs-tus/core';
import { type KeyTemplate, keyTemplateProblem, prefixProblem } from '@nestjs-tus/object-storage';
import {
  DEFAULT_MAX_BUFFERED,
  DEFAULT_PART,
  S3_MAX_KEY,
  S3_MAX_PART,
  S3_MAX_PARTS,
  S3_MIN_PART,
} from './service/limits.js';
import type { ObjectHeaders } from './service/object-headers.js';
import { objectHeadersProblem } from './service/object-headers-problem.js';

/** How commits of an upload's record are kept apart; see docs/decisions/s3-store.md. */
export type ConditionalWrites = (typeof CONDITIONAL_WRITES)[number];

const CONDITIONAL_WRITES = ['if-match', 'if-match-bare', 'generations'] as const;

export interface S3StoreOptions {
  /** The bucket. It must exist. */
  readonly bucket: string;
  /** A client of your own. Set `requestChecksumCalculation: 'WHEN_REQUIRED'` in it for services other than AWS, and timeouts. */
  readonly client?: S3Client;
  /** Settings of the client that the store makes itself; used instead of `client`. */
  readonly clientConfig?: S3ClientConfig;
  /** Put before every key, e.g. `uploads/`. Default: nothing. */
  readonly objectPrefix?: string;
  /**
   * The key of an upload's object, below `objectPrefix`: a template with `{id}`, and `{year}`, `{month}`, `{day}` of its creation in UTC;
   * or a function. Default `{id}`. A function's key, or one from a hook (`changes.storage.key`), that is taken already is refused; of two unfinished
   * uploads with the same key the one that is finished first gets it.
   */
  readonly key?: KeyTemplate;
  /** Bytes of a part while the length allows; larger uploads get larger parts. Smaller uploads are one PutObject. Default 8 MiB. */
  readonly partSize?: number;
  /** Smallest part in bytes that the service takes, the last one excepted. Default 5 MiB. */
  readonly minPartSize?: number;
  /** Parts that one object may have at most. Default 10,000. */
  readonly maxParts?: number;
  /** All parts of an upload but the last one get the same size, as Cloudflare R2 wants it. Default false. */
  readonly equalParts?: boolean;
  /** Parts and tails that go to the service at the same time, in the whole store. A slow client takes no place. Default 16. */
  readonly concurrency?: number;
  /** Parts of one upload that go to the service at the same time. Default 4. */
  readonly concurrencyPerUpload?: number;
  /**
   * Bytes of all uploads together that wait in memory. Above it the slowest uploads' bytes are stored as tail objects, and clients are slowed
   * down. Default 128 MiB; with buffers that await their collection a process takes up to twice as much.
   */
  readonly maxBufferedBytes?: number;
  /** Milliseconds of silence after which a call is given up, and tried again. Default 30,000. Only of the store's own client. */
  readonly requestTimeout?: number;
  /** Headers of the finished object, or a function that says them for an upload. */
  readonly object?: ObjectHeaders | ((info: FileInfo) => ObjectHeaders);
  /** Sends who downloads to the service, by a URL that it signs. Default: the content goes through the server. */
  readonly presignedDownloads?: PresignedDownloads;
  /** Which conditional writes the service does right. Default: found out by `init()`. */
  readonly conditionalWrites?: ConditionalWrites;
}

/**
 * GET is answered by a redirect (302) to a presigned URL of the object. Guards are asked before; then everybody who has the URL may read the
 * object until it ends.
 */
export interface PresignedDownloads {
  /** Milliseconds from 1,000 to 604,800,000 (seven days) in which a URL can be asked; an answer that has begun goes on. */
  readonly lifetime: number;
  /** Where clients reach the service, when that is not where the server does, e.g. `https://s3.example.com`. */
  readonly endpoint?: string;
}

const OWNER = 'S3Store: ';
const PRESIGNED_SECOND = 1_000;
/** What signature version 4 allows. */
const PRESIGNED_WEEK = 7 * 24 * 3_600_000;

export type ResolvedOptions = Required<
  Omit<S3StoreOptions, 'client' | 'clientConfig' | 'conditionalWrites' | 'presignedDownloads'>
> &
  Pick<S3StoreOptions, 'client' | 'clientConfig' | 'conditionalWrites' | 'presignedDownloads'>;

const TABLE: OptionTable<S3StoreOptions> = {
  bucket: optionKinds.required(
    optionKinds.textOf("the name of a bucket, e.g. bucket: 'uploads'", (text) =>
      /^[^\s/]{3,255}$/.test(text),
    ),
  ),
  client: optionKinds.withMethods('an S3Client of @aws-sdk/client-s3', ['send']),
  clientConfig: clientConfig(),
  objectPrefix: judgedBy((prefix: string) => prefixProblem(prefix, S3_MAX_KEY), 'text such as `uploads/`'),
  key: judgedBy(keyTemplateProblem, 'a template such as `{year}/{id}`, or a function'),
  partSize: wholeNumber(1, S3_MAX_PART),
  minPartSize: wholeNumber(1, S3_MAX_PART),
  maxParts: wholeNumber(1, S3_MAX_PARTS),
  equalParts: optionKinds.trueOrFalse,
  concurrency: wholeNumber(1, 1_000),
  concurrencyPerUpload: wholeNumber(1, 1_000),
  maxBufferedBytes: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  requestTimeout: wholeNumber(1, optionKinds.MAX_TIMER),
  object: judgedBy(
    (object) => (typeof object === 'function' ? undefined : objectHeadersProblem(object)),
    'an object of headers such as { cacheControl: "private" }, or a function',
  ),
  presignedDownloads: optionsOf<PresignedDownloads>(
    {
      lifetime: optionKinds.required(wholeNumber(PRESIGNED_SECOND, PRESIGNED_WEEK)),
      endpoint: optionKinds.httpUrl('https://s3.example.com'),
    },
    { example: 'an object such as { lifetime: 300_000 }' },
  ),
  conditionalWrites: optionKinds.oneOf(...CONDITIONAL_WRITES),
};

/** @throws TypeError that says what to write instead */
export function resolveOptions(given: S3StoreOptions): ResolvedOptions {
  const options = checkOptions<S3StoreOptions>(given, TABLE, {
    owner: OWNER,
    example: "new S3Store({ bucket: 'uploads' })",
  });
  if (options.client && options.clientConfig) {
    throw new TypeError(`${OWNER}there are client and clientConfig: write one of them, not both`);
  }
  const { minPartSize = S3_MIN_PART, partSize = Math.max(DEFAULT_PART, minPartSize) } = options;
  if (partSize < minPartSize) {
    throw new TypeError(
      `${OWNER}partSize is ${partSize}: write a whole number from ${minPartSize}, minPartSize`,
    );
  }
  return {
    objectPrefix: '',
    key: '{id}',
    equalParts: false,
    object: {},
    maxBufferedBytes: DEFAULT_MAX_BUFFERED,
    maxParts: S3_MAX_PARTS,
    concurrency: 16,
    concurrencyPerUpload: 4,
    requestTimeout: 30_000,
    ...options,
    minPartSize,
    partSize,
  };
}

function wholeNumber(least: number, most: number): OptionKind {
  return optionKinds.wholeNumber({ least, most });
}

/** A kind whose own function says what is wrong. */
function judgedBy(problemOf: (value: never) => string | undefined, form: string): OptionKind {
  return {
    form,
    read(value, path) {
      let problem: string | undefined;
      try {
        problem = problemOf(value as never);
      } catch (cause) {
        throw new TypeError(`${path} cannot be read: write ${form}`, { cause });
      }
      if (problem) throw new TypeError(problem);
      return value;
    },
  };
}

/** The SDK checks its members itself, apart from a password in the endpoint, which it would show in its errors. */
function clientConfig(): OptionKind {
  return optionKinds.kindOf(
    "settings of an S3Client, e.g. { region: 'eu-central-1' }, whose endpoint holds no password: credentials are a member of their own",
    (value) => {
      if (Object.prototype.toString.call(value) !== '[object Object]') return false;
      const { endpoint } = value as S3ClientConfig;
      return typeof endpoint !== 'string' || !/^[^?#]*\/\/[^/]*@/.test(endpoint);
    },
  );
}
