import { errors } from '@nestjs-tus/core';
import type { Part } from '../assembly.js';
import type { Json } from '../objects.js';
import type { RecordedSession, Tail, UploadRecord } from './upload-record.js';

/** The media type of a record's object. */
export const RECORD_TYPE = 'application/json';
/** The number changes when older versions could not read what is written. */
const VERSION = 1;

/** Parts are written as `[number, size, piece]`: there may be ten thousand of them. */
type WrittenPart = readonly [number: number, size: number, piece: Json];

/** A record in JSON, which has no dates: they are text in it. Its names are those of the first store, which was one of S3. */
type WrittenRecord = Omit<UploadRecord, 'session' | 'parts' | 'sealed' | 'tails'> & {
  readonly multipart?: { readonly id: Json; readonly attempt: string };
  readonly parts: readonly WrittenPart[];
  readonly sealed?: readonly { readonly number: number; readonly size: number; readonly etag: Json }[];
  readonly segments: readonly Tail[];
};

/** Writes and reads the records of one kind of store. */
export class RecordText {
  private readonly ownFormat: string;

  /** @param format what makes a record ours, e.g. `nestjs-tus/s3-store`: other applications may keep objects beside it */
  constructor(private readonly format: string) {
    this.ownFormat = `${format} ${VERSION}`;
  }

  write({ session, parts, sealed, tails, ...rest }: UploadRecord): string {
    const record: WrittenRecord = {
      ...rest,
      multipart: session && { id: session.handle, attempt: session.attempt },
      parts: parts.map(({ number, size, piece }) => [number, size, piece] as const),
      sealed: sealed?.map(({ number, size, piece }) => ({ number, size, etag: piece })),
      segments: tails,
    };
    return JSON.stringify({ format: this.ownFormat, record });
  }

  /** @returns undefined for what this version cannot read, or is not ours */
  read(text: string): UploadRecord | undefined {
    const { format, record } = parseFile(text);
    if (format !== this.ownFormat || !isWritten(record)) return undefined;
    const { multipart, parts, sealed, segments, info, ...rest } = record;
    return {
      ...rest,
      info: { ...info, createdAt: dateOf(info.createdAt), expiresAt: dateOf(info.expiresAt) },
      session: multipart && sessionOf(multipart),
      parts: parts.map(([number, size, piece]) => ({ number, size, piece })),
      sealed: sealed?.map(({ number, size, etag }): Part => ({ number, size, piece: etag })),
      tails: segments,
    };
  }

  /**
   * The record of an upload that is asked for.
   * @throws HttpError `ERR_UPLOAD_NOT_FOUND` for what is not ours; `ERR_INTERNAL_SERVER_ERROR` for a record of another version, or a broken one
   */
  readOwn(text: string, key: string): UploadRecord {
    const record = this.read(text);
    if (record) return record;
    const { format } = parseFile(text);
    if (!format?.startsWith(`${this.format} `))
      throw errors.notFound(new Error(`${key} is not a record of this store`));
    const reason = format === this.ownFormat ? 'is broken' : `is of another version of it (${format})`;
    throw errors.internal(new Error(`the record ${key} of this store ${reason}`));
  }
}

function sessionOf({ id, attempt }: { readonly id: Json; readonly attempt: string }): RecordedSession {
  return { handle: id, attempt };
}

function parseFile(text: string): { readonly format?: string; readonly record?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && typeof value['format'] === 'string' ? value : {};
  } catch {
    return {};
  }
}

/** True for what `RecordText.write` has written. */
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
