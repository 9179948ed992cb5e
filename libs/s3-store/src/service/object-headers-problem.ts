import { errors, type FileInfo } from '@nestjs-tus/core';
import { MEDIA_TYPE, type ObjectHeaders, MAX_METADATA, metadataSize } from './object-headers.js';

const TEXTS = [
  'contentType',
  'contentDisposition',
  'contentEncoding',
  'contentLanguage',
  'cacheControl',
  'storageClass',
  'serverSideEncryption',
  'sseKmsKeyId',
] as const satisfies readonly (keyof ObjectHeaders)[];

/** What S3 takes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html */
const MAX_TAGS = 10;
const MAX_TAG_KEY = 128;
const MAX_TAG_VALUE = 256;

/** What is wrong with the headers that `object` is or returned; undefined when nothing is. */
export function objectHeadersProblem(headers: unknown): string | undefined {
  if (typeof headers !== 'object' || headers === null || headers instanceof Promise) {
    return '`object` is an object of headers such as { cacheControl: "private" }, or a function that returns one at once';
  }
  for (const [name, value] of Object.entries(headers)) {
    const problem = value === undefined ? undefined : problemOf(name, value);
    if (problem) return `\`object\`: ${name} ${problem}`;
  }
  return undefined;
}

/** The headers of an upload's object. Those of a function are looked at when it returns them; it throws HttpError `ERR_INTERNAL_SERVER_ERROR`. */
export function checkedHeaders(
  object: ObjectHeaders | ((info: FileInfo) => ObjectHeaders),
): (info: FileInfo) => ObjectHeaders {
  if (typeof object !== 'function') return () => object;
  return (info) => {
    const headers = object(info);
    const problem = objectHeadersProblem(headers);
    if (problem) throw errors.internal(new TypeError(problem));
    return headers;
  };
}

function problemOf(name: string, value: unknown): string | undefined {
  if (name === 'tags') return tagsProblem(value);
  if (name === 'metadata') return metadataProblem(value);
  if (!(TEXTS as readonly string[]).includes(name)) {
    return `is unknown: there are ${TEXTS.join(', ')}, tags and metadata`;
  }
  if (typeof value !== 'string' || !/^[\x20-\x7e]+$/.test(value))
    return 'is text of printable ASCII, or absent';
  if (name === 'contentType' && !MEDIA_TYPE.test(value))
    return 'is a media type such as `image/png`, or absent';
  return undefined;
}

function tagsProblem(tags: unknown): string | undefined {
  const entries = textsOf(tags);
  const fits = ([key, value]: [string, string]) =>
    key.length > 0 && key.length <= MAX_TAG_KEY && value.length <= MAX_TAG_VALUE;
  if (entries && entries.length <= MAX_TAGS && entries.every(fits)) return undefined;
  return `is an object of up to ${MAX_TAGS} texts, whose names have up to ${MAX_TAG_KEY} characters and whose values up to ${MAX_TAG_VALUE}`;
}

function metadataProblem(metadata: unknown): string | undefined {
  const entries = textsOf(metadata);
  if (!entries?.every(([key]) => /^[a-z0-9._-]+$/.test(key))) {
    return 'is an object of texts, whose names are of a-z 0-9 . _ -';
  }
  const size = metadataSize(Object.fromEntries(entries));
  return size > MAX_METADATA ? `has ${size} bytes; up to ${MAX_METADATA} are possible` : undefined;
}

/** The entries of an object of texts. */
function textsOf(value: unknown): [string, string][] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value);
  return entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')
    ? entries
    : undefined;
}
