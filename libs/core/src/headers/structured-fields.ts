import { parseDictionary, parseItem } from 'structured-headers';

/** A fraction is no Integer, although JavaScript has one type for both. */
const DECIMAL = /^ *-?\d+\.\d/;

/** A field as Node gives it: absent, or its lines joined. A list where an Item must be is malformed. */
export type FieldValue = string | string[] | undefined;

/**
 * Reads an Item that is a non-negative Integer (RFC 9651, 3.3.1). Parameters are ignored.
 * @returns undefined for anything else: the draft has such a field ignored, as if it was not there
 */
export function readInteger(field: FieldValue): number | undefined {
  const text = textOf(field);
  if (text === undefined || DECIMAL.test(text)) return undefined;
  const value = bareItem(text);
  return typeof value === 'number' && value >= 0 ? value + 0 : undefined;
}

/**
 * Reads an Item that is a Boolean, `?0` or `?1` (RFC 9651, 3.3.6).
 * @returns undefined for anything else
 */
export function readBoolean(field: FieldValue): boolean | undefined {
  const text = textOf(field);
  const value = text === undefined ? undefined : bareItem(text);
  return typeof value === 'boolean' ? value : undefined;
}

/**
 * Reads a Dictionary; of its members only those that are Items.
 * @returns undefined when the field is absent or malformed as a whole
 */
export function readDictionary(field: FieldValue): ReadonlyMap<string, unknown> | undefined {
  const text = textOf(field);
  if (text === undefined) return undefined;
  const members = orIgnored(() => parseDictionary(text));
  if (!members) return undefined;
  const items = new Map<string, unknown>();
  for (const [key, member] of members) {
    const value: unknown = member[0];
    if (!Array.isArray(value)) items.set(key, value);
  }
  return items;
}

function bareItem(text: string): unknown {
  return orIgnored((): unknown => parseItem(text)[0]);
}

/** RFC 9651, 4.2: "If parsing fails, … the entire field value MUST be ignored". The parser says so by throwing. */
function orIgnored<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

function textOf(field: FieldValue): string | undefined {
  return Array.isArray(field) ? field.join(', ') : field;
}
