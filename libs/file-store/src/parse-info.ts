import { type FileInfo, type JsonValue, type KeptAnswer, type UploadState } from '@nestjs-tus/core';
import type { Marks, StoredInfo } from './info-record.js';

/** An info file that is an upload's, and does not say what it must. */
export class DamagedInfo extends Error {
  override readonly name = 'DamagedInfo';

  /** @param isTorn it may be that it is just being written */
  constructor(
    message: string,
    readonly isTorn = false,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A file that is not the info of this upload, nor what is left of it. */
export class ForeignInfo extends Error {
  override readonly name = 'ForeignInfo';
}

/** What a JSON object holds under names that we know: anything. */
type Fields = Readonly<Record<string, unknown>>;

const STATES: readonly unknown[] = ['receiving', 'finishing', 'finished', 'rejected'] satisfies UploadState[];
const PROTOCOLS: readonly unknown[] = ['tus', 'ietf'];
/** Ids as we and tusd make them: nobody calls a file of their own so. */
const MADE_ID = /^[0-9a-f]{32}$/;
/** True for an id that was not chosen by somebody. */
export const isMadeId = (id: string): boolean => MADE_ID.test(id);

/** What a field of a header may hold. */
const HEADER_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Levels of JSON in a context: more would overflow the stack when it is written. */
const DEEPEST = 500;

/**
 * Reads the text of an info file, ours or tusd's, whatever stands there. What decides about the bytes, or about who sees them, is right, or
 * the info is damaged; what only describes the upload is left out when it is wrong. Null is the same as absent, as in Go.
 *
 * @throws DamagedInfo when a part of it is not what it must be
 * @throws ForeignInfo when it is not an info of this upload at all
 */
export function parseInfo(text: string, id: string): StoredInfo {
  const record = fieldsOf(text, id);
  const state = oneOf(record, 'State', STATES) as UploadState | undefined;
  const size = count(record, 'Size');
  const sizeIsDeferred = flag(record, 'SizeIsDeferred');
  if (size === undefined) throw damaged('Size', record);
  if (state === 'finished' && sizeIsDeferred) throw damaged('SizeIsDeferred', record);
  const isPartial = flag(record, 'IsPartial');
  const expiresAt = dateOf(record['ExpiresAt']);
  return {
    info: {
      id,
      size,
      sizeIsDeferred,
      offset: 0,
      metaData: textMap(record['MetaData']) ?? {},
      metaDataHeader: headerText(record['MetaDataHeader']),
      isPartial,
      isFinal: flag(record, 'IsFinal'),
      partialUploads: ids(record, 'PartialUploads') ?? [],
      concatHeader: headerText(record['ConcatHeader']),
      storage: textMap(record['Storage']),
      createdAt: dateOf(record['CreatedAt']),
      // What is finished has no expiry, but a part that no final upload may ever take.
      expiresAt: state === 'finished' && !isPartial ? undefined : expiresAt,
      protocol: oneOf(record, 'Protocol', PROTOCOLS) as FileInfo['protocol'],
      state,
      context: contextOf(record),
      maxSize: count(record, 'MaxSize'),
      pendingFinals: ids(record, 'PendingFinals'),
      answer: answerOf(record['Answer']),
      untold: record['Untold'] === true ? true : undefined,
      digests: digestsOf(record),
    },
    marks: marksOf(record),
  };
}

function marksOf(record: Fields): Marks {
  const bootId = record['BootId'];
  const revision = record['Revision'];
  return {
    unverifiedFrom: count(record, 'UnverifiedFrom'),
    syncedOffset: count(record, 'SyncedOffset'),
    toldOffset: count(record, 'ToldOffset'),
    bootId: typeof bootId === 'string' ? bootId : undefined,
    revision: isCount(revision) ? revision : 0,
  };
}

/** The object in the text, if it says that it is this upload's. */
function fieldsOf(text: string, id: string): Fields {
  const begins = text.startsWith(`{"ID":${JSON.stringify(id)}`);
  const unreadable = (why: string, cause?: unknown) =>
    begins || isMadeId(id)
      ? new DamagedInfo(`the info of ${id} ${why}`, cause !== undefined, { cause })
      : new ForeignInfo(`not the info of the upload ${id}`, { cause });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable('is not JSON', error);
  }
  if (!isObject(value)) throw unreadable('is not an object');
  if (value['ID'] !== id) throw unreadable('is that of another upload');
  return value;
}

function damaged(name: string, record: Fields): DamagedInfo {
  return new DamagedInfo(`the info of ${String(record['ID'])} says ${name}: ${show(record[name])}`);
}

/** A value in a few characters; one of many levels must not be written out. */
function show(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return JSON.stringify(value)?.slice(0, 100) ?? 'nothing';
}

function count(record: Fields, name: string): number | undefined {
  const value = record[name] ?? undefined;
  if (value === undefined || isCount(value)) return value;
  throw damaged(name, record);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function flag(record: Fields, name: string): boolean {
  const value = record[name] ?? false;
  if (typeof value === 'boolean') return value;
  throw damaged(name, record);
}

function oneOf(record: Fields, name: string, known: readonly unknown[]): unknown {
  const value = record[name] ?? undefined;
  if (value === undefined || known.includes(value)) return value;
  throw damaged(name, record);
}

function ids(record: Fields, name: string): string[] | undefined {
  const value = record[name] ?? undefined;
  if (value === undefined) return undefined;
  const texts = Array.isArray(value) ? value.map(headerText).filter((item) => item !== undefined) : [];
  if (Array.isArray(value) && texts.length === value.length) return texts;
  throw damaged(name, record);
}

/** Without them an upload would be finished that its client wants to have checked. */
function digestsOf(record: Fields): FileInfo['digests'] {
  const value = record['Digests'] ?? undefined;
  if (value === undefined) return undefined;
  const { expected, wanted } = textMap(value) ?? {};
  if (textMap(value) === undefined || !HEADER_TEXT.test(`${expected ?? ''}${wanted ?? ''}`))
    throw damaged('Digests', record);
  return { expected, wanted };
}

/** Who owns an upload may stand in it. */
function contextOf(record: Fields): JsonValue | undefined {
  const value = record['Context'] as JsonValue | undefined;
  if (isDeeperThan(DEEPEST, value))
    throw new DamagedInfo(`the info of ${String(record['ID'])} has a Context too deep`);
  return value;
}

function isDeeperThan(limit: number, value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return true;
    level = level.flatMap((item): unknown[] =>
      typeof item === 'object' && item !== null ? Object.values(item) : [],
    );
  }
  return false;
}

function answerOf(value: unknown): KeptAnswer | undefined {
  if (!isObject(value)) return undefined;
  const { statusCode, body } = value;
  const header = textMap(value['header']);
  const isStatus = isCount(statusCode) && statusCode >= 200 && statusCode <= 599;
  return isStatus && header && typeof body === 'string' ? { statusCode, header, body } : undefined;
}

function headerText(value: unknown): string | undefined {
  return typeof value === 'string' && HEADER_TEXT.test(value) ? value : undefined;
}

function textMap(value: unknown): Record<string, string> | undefined {
  if (!isObject(value)) return undefined;
  return Object.values(value).every((item) => typeof item === 'string')
    ? (value as Record<string, string>)
    : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function dateOf(text: unknown): Date | undefined {
  const date = typeof text === 'string' ? new Date(text) : undefined;
  return date && !Number.isNaN(date.getTime()) ? date : undefined;
}
