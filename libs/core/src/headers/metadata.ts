import { errors } from '../errors.js';
import type { MetaData } from '../file-info.js';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const KEY = /^[\x21-\x2b\x2d-\x7e]+$/;
const NOT_IN_KEY = /[^\x21-\x24\x26-\x2b\x2d-\x7e]/gu;

/** A pair of the header, or what is wrong with it. */
type Pair = { readonly key: string; readonly value: string } | { readonly fault: string };

/**
 * Reads an Upload-Metadata header as far as it can be read: pairs that are malformed are left out, of two with the same
 * key the last one counts. Never throws. Requests are read by `readMetadata`, which is strict.
 *
 * @example
 * parseMetadataHeader('name bHVucmpzLnBuZw==,type aW1hZ2UvcG5n') // { name: 'lunrjs.png', type: 'image/png' }
 */
export function parseMetadataHeader(header: string): MetaData {
  // `fromEntries` makes own properties, so that a key such as `__proto__` is only a key.
  return Object.fromEntries(
    pairsOf(header).flatMap((pair) => ('fault' in pair ? [] : [[pair.key, pair.value]])),
  );
}

/** True for a key that Upload-Metadata can hold: ASCII without spaces, commas and control characters, not empty. */
export function isMetadataKey(key: string): boolean {
  return KEY.test(key);
}

/**
 * Writes metadata in the form of an Upload-Metadata header, in the order of its keys. Infos of other servers may hold what no header can:
 * such a key is percent-encoded, an empty one and a value that is no text are left out.
 */
export function serializeMetadataHeader(metaData: MetaData): string {
  const pairs: string[] = [];
  // "All keys MUST be unique": one that is written so already keeps its name.
  const taken = new Set(Object.keys(metaData).filter(isMetadataKey));
  for (const [key, value] of Object.entries<unknown>(metaData)) {
    const name = taken.has(key) ? key : percentEncoded(key);
    if (name === '' || (name !== key && taken.has(name)) || typeof value !== 'string') continue;
    taken.add(name);
    pairs.push(`${name} ${Buffer.from(value, 'utf8').toString('base64')}`);
  }
  return pairs.join(',');
}

function percentEncoded(key: string): string {
  return key.toWellFormed().replace(NOT_IN_KEY, (character) => encodeURIComponent(character));
}

/**
 * Reads the Upload-Metadata header of a request. tus 1.0.0: "The key and value MUST be separated by a space … All keys
 * MUST be unique."
 * @throws HttpError `ERR_INVALID_METADATA` (400)
 */
export function readMetadata(header: string): MetaData {
  if (header.trim() === '') return {};
  const metaData = new Map<string, string>();
  for (const pair of pairsOf(header)) {
    if ('fault' in pair) throw errors.invalidMetadata(pair.fault);
    if (metaData.has(pair.key)) throw errors.invalidMetadata('a key occurs twice');
    metaData.set(pair.key, pair.value);
  }
  return Object.fromEntries(metaData);
}

function pairsOf(header: string): Pair[] {
  return header.split(',').map((element) => {
    const text = element.trim();
    if (text === '') return { fault: 'a key is empty' };
    const [key = '', value = '', ...rest] = text.split(' ');
    if (rest.length > 0) return { fault: 'a key and its value are separated by one space' };
    if (!BASE64.test(value)) return { fault: 'a value is not base64' };
    return { key, value: Buffer.from(value, 'base64').toString('utf8') };
  });
}
