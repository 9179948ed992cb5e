import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { type KeyTemplate, keyTemplateProblem, prefixProblem } from './object-keys.js';
import type { ObjectHeaders } from './object-headers.js';
import { objectHeadersProblem } from './object-headers-problem.js';
import type { FileInfo } from '@nestjs-tus/core';
import { DEFAULT_MAX_BUFFERED, DEFAULT_PART, S3_MAX_PART, S3_MAX_PARTS, S3_MIN_PART } from './limits.js';

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

const PRESIGNED_SECOND = 1_000;
/** What signature version 4 allows. */
const PRESIGNED_WEEK = 7 * 24 * 3_600_000;

export type ResolvedOptions = Required<
  Omit<S3StoreOptions, 'client' | 'clientConfig' | 'conditionalWrites' | 'presignedDownloads'>
> & {
  readonly presignedDownloads?: PresignedDownloads;
  readonly conditionalWrites?: ConditionalWrites;
};

/** @throws TypeError that says what to write instead */
export function resolveOptions(options: S3StoreOptions): ResolvedOptions {
  const { bucket, objectPrefix = '', key = '{id}', equalParts = false, object = {} } = options;
  if (typeof bucket !== 'string' || bucket.length < 3)
    throw new TypeError('S3Store: give the name of the bucket as `bucket`');
  if (options.client && options.clientConfig)
    throw new TypeError('S3Store: give `client` or `clientConfig`, not both');
  const problem =
    prefixProblem(objectPrefix) ??
    keyTemplateProblem(key) ??
    (typeof object === 'function' ? undefined : objectHeadersProblem(object));
  if (problem) throw new TypeError(`S3Store: ${problem}`);
  const { conditionalWrites } = options;
  if (conditionalWrites !== undefined && !CONDITIONAL_WRITES.includes(conditionalWrites)) {
    throw new TypeError(
      `S3Store: \`conditionalWrites\` is one of ${CONDITIONAL_WRITES.join(', ')}, or absent`,
    );
  }
  const minPartSize = whole('minPartSize', options.minPartSize ?? S3_MIN_PART, 1, S3_MAX_PART);
  const partSize = whole(
    'partSize',
    options.partSize ?? Math.max(DEFAULT_PART, minPartSize),
    minPartSize,
    S3_MAX_PART,
  );
  const maxBufferedBytes = whole(
    'maxBufferedBytes',
    options.maxBufferedBytes ?? DEFAULT_MAX_BUFFERED,
    1,
    Number.MAX_SAFE_INTEGER,
  );
  return {
    bucket,
    objectPrefix,
    key,
    equalParts,
    object,
    minPartSize,
    partSize,
    maxBufferedBytes,
    maxParts: whole('maxParts', options.maxParts ?? S3_MAX_PARTS, 1, S3_MAX_PARTS),
    concurrency: whole('concurrency', options.concurrency ?? 16, 1, 1_000),
    concurrencyPerUpload: whole('concurrencyPerUpload', options.concurrencyPerUpload ?? 4, 1, 1_000),
    requestTimeout: whole('requestTimeout', options.requestTimeout ?? 30_000, 1, 2 ** 31 - 1),
    presignedDownloads: checkedDownloads(options.presignedDownloads),
    conditionalWrites,
  };
}

function checkedDownloads(presigned: PresignedDownloads | undefined): PresignedDownloads | undefined {
  if (presigned === undefined) return undefined;
  if (typeof presigned !== 'object' || presigned === null) {
    throw new TypeError(
      'S3Store: `presignedDownloads` is an object such as { lifetime: 300_000 }, or absent',
    );
  }
  const { endpoint } = presigned;
  if (endpoint !== undefined && !/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : '')) {
    throw new TypeError(
      'S3Store: `presignedDownloads.endpoint` is a URL such as https://s3.example.com, or absent',
    );
  }
  const lifetime = whole('presignedDownloads.lifetime', presigned.lifetime, PRESIGNED_SECOND, PRESIGNED_WEEK);
  return { lifetime, endpoint };
}

function whole(name: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new TypeError(`S3Store: \`${name}\` is a whole number from ${min} to ${max}, not ${String(value)}`);
}
