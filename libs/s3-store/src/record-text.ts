import { errors } from '@nestjs-tus/core';
import type { UploadRecord } from './upload-record.js';

/** What makes a record ours: other applications may keep objects beside it. The number changes when older versions could not read it. */
const FORMAT = 'nestjs-tus/s3-store';
const VERSION = 1;

/** Parts are written as `[number, size, etag]`: there may be ten thousand of them. */
export function serializeRecord({ parts, ...record }: UploadRecord): string {
  const written = parts.map(({ number, size, etag }) => [number, size, etag]);
  return JSON.stringify({ format: `${FORMAT} ${VERSION}`, record: { ...record, parts: written } });
}

/** @returns undefined for what this version cannot read, or is not ours */
export function parseRecord(text: string): UploadRecord | undefined {
  const { format, record } = parseFile(text);
  if (format !== `${FORMAT} ${VERSION}` || !isWritten(record)) return undefined;
  const { parts, info, ...rest } = record;
  return {
    ...rest,
    info: { ...info, createdAt: dateOf(info.createdAt), expiresAt: dateOf(info.expiresAt) },
    parts: parts.map(([number, size, etag]) => ({ number, size, etag })),
  };
}

/**
 * The record of an upload that is asked for.
 * @throws HttpError `ERR_UPLOAD_NOT_FOUND` for what is not ours; `ERR_INTERNAL_SERVER_ERROR` for a record of another version, or a broken one
 */
export function parseOwnRecord(text: string, key: string): UploadRecord {
  const record = parseRecord(text);
  if (record) return record;
  const { format } = parseFile(text);
  if (!format?.startsWith(`${FORMAT} `))
    throw errors.notFound(new Error(`${key} is not a record of this store`));
  const reason = format === `${FORMAT} ${VERSION}` ? 'is broken' : `is of another version of it (${format})`;
  throw errors.internal(new Error(`the record ${key} of this store ${reason}`));
}

/** JSON has no dates: they are text in it. */
type WrittenRecord = Omit<UploadRecord, 'parts'> & {
  readonly parts: readonly (readonly [number, number, string])[];
};

function parseFile(text: string): { readonly format?: string; readonly record?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && typeof value['format'] === 'string' ? value : {};
  } catch {
    return {};
  }
}

/** True for what `serializeRecord` has written. */
function isWritten(record: unknown): record is WrittenRecord {
  if (!isObject(record)) return false;
  const { info, key, commit, nextNumber, parts, segments, garbage } = record;
  return (
    isObject(info) &&
    typeof info['id'] === 'string' &&
    typeof info['size'] === 'number' &&
    isObject(info['metaData']) &&
    typeof key === 'string' &&
    typeof commit === 'string' &&
    typeof nextNumber === 'number' &&
    isListOf(parts, (part) => Array.isArray(part) && part.length === 3) &&
    isListOf(segments, (segment) => isObject(segment) && typeof segment['key'] === 'string') &&
    isListOf(garbage, (item) => typeof item === 'string')
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, fits: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(fits);
}

function dateOf(written: Date | string | undefined): Date | undefined {
  return written === undefined ? undefined : new Date(written);
}
