import { mergeFields, type Fields } from '../headers/field-list.js';
import { isFieldName, isFieldValue, isFinalStatus } from '../headers/field.js';
import type { HookResponse } from './hook-event.js';
import { membersOf, shown } from './plain-values.js';

/** Bytes of all names and values together: with more, clients and proxies refuse the head of the response, whose buffer is 8 KiB. */
const MAX_HEADER_BYTES = 4_096;

/** A response of an application, as far as it can be sent. */
export interface ReadResponse {
  readonly response: HookResponse;
  /** What of it cannot be sent as it is, a sentence each. */
  readonly faults: readonly string[];
}

/**
 * Reads what an application wants in a response: a hook's, an error's, or one that was kept. Never throws: what cannot be sent is left
 * out, and named. The copy stays as it is, whatever becomes of the original.
 */
export function readResponse(value: unknown): ReadResponse {
  const faults: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      faults.push(
        error instanceof TypeError ? error.message : `the response cannot be read: ${shown(error)}`,
      );
      return undefined;
    }
  };
  let response: HookResponse = {};
  for (const [key, member] of attempt(() => membersOf(value, 'response')) ?? []) {
    if (key === 'statusCode') response = { ...response, statusCode: attempt(() => statusOf(member)) };
    else if (key === 'header') response = { ...response, header: headerOf(member, attempt) };
    else if (key === 'body') response = { ...response, ...bodyOf(member, faults) };
    else faults.push(`response.${key} is unknown: write statusCode, header or body`);
  }
  return { response, faults };
}

type Attempt = <T>(read: () => T) => T | undefined;

function statusOf(value: unknown): number {
  if (isFinalStatus(value)) return value;
  throw new TypeError(`response.statusCode is ${shown(value)}: write a whole number from 200 to 599`);
}

function headerOf(value: unknown, attempt: Attempt): Fields {
  let header: Fields = {};
  for (const [name, field] of attempt(() => membersOf(value, 'response.header')) ?? []) {
    const sent = attempt(() => fieldOf(name, field));
    if (sent === undefined) continue;
    // Two spellings of one name are one field: the later counts.
    const longer = mergeFields(header, { [name]: sent });
    if (attempt(() => failIfTooLong(longer, name))) header = longer;
  }
  return Object.freeze(header);
}

function failIfTooLong(header: Fields, name: string): true {
  const bytes = Object.entries(header).flat().join('').length;
  if (bytes <= MAX_HEADER_BYTES) return true;
  throw new TypeError(
    `response.header is longer than ${MAX_HEADER_BYTES} bytes with '${name}': write less, or a body`,
  );
}

function fieldOf(name: string, value: unknown): string {
  if (!isFieldName(name)) throw new TypeError(`response.header has the name ${shown(name)}: write a token`);
  const text = typeof value === 'number' && Number.isFinite(value) ? String(value) : value;
  if (typeof text === 'string' && isFieldValue(text)) return text;
  throw new TypeError(
    `response.header['${name}'] is ${shown(value)}: write a text of Latin-1 without control characters, e.g. by encodeURIComponent`,
  );
}

function bodyOf(value: unknown, faults: string[]): Pick<HookResponse, 'body'> {
  if (typeof value === 'string') return { body: value };
  faults.push(`response.body is ${shown(value)}: write a text`);
  const body = textOf(value);
  return body === undefined ? {} : { body };
}

/** What a refusal says although it is no text. */
function textOf(value: unknown): string | undefined {
  try {
    const text: unknown = JSON.stringify(value);
    return typeof text === 'string' ? text : undefined;
  } catch {
    // What cannot be written as JSON is shown by its error's own text instead.
    return undefined;
  }
}
