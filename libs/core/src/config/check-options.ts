import { nearName } from './near-name.js';
import { showValue } from './show-value.js';

/** Names that an error lists; more are no sentence. */
const MOST_NAMES = 14;

/** What an option may be. */
export interface OptionKind {
  /** Completes "write …", e.g. `true or false`. Holds no value that was given. */
  readonly form: string;
  /** True when the option cannot be left out. */
  readonly isRequired?: boolean;
  /**
   * The value to use: the same, or a copy whose members are checked.
   * @param path the option's name with those of the objects around it, e.g. `cors.allowOrigin`
   * @throws TypeError with one sentence: what is wrong, and what to write
   */
  read(value: unknown, path: string): unknown;
}

/** The kinds of all options of an object. The compiler misses one that is forgotten. */
export type OptionTable<T> = { readonly [K in keyof T]-?: OptionKind };

/** How errors speak about an object of options. */
export interface OptionsPlace {
  /** Begins each text, e.g. `FileStore: `. Default: nothing. */
  readonly owner?: string;
  /** What to write for the whole object, e.g. `new FileStore({ directory: './uploads' })`. */
  readonly example?: string;
  /** What to write instead of options that people know from elsewhere, by their names; completes "write …". */
  readonly instead?: Readonly<Record<string, string>>;
}

/**
 * Checks an object of options at every depth, and copies it: each option is read once, also from a getter or a prototype.
 * Options that are undefined count as left out. The object that was given is not changed.
 *
 * @returns only what `table` knows and what was given
 * @throws TypeError with one sentence about the first option that is wrong or unknown: what it is, and what to write instead
 */
export function checkOptions<T extends object>(
  given: unknown,
  table: OptionTable<T>,
  place: OptionsPlace = {},
): T {
  try {
    return readMembers(given, table, place, '') as T;
  } catch (error) {
    if (place.owner && error instanceof TypeError) error.message = `${place.owner}${error.message}`;
    throw error;
  }
}

/** An option that is an object of options. */
export function optionsOf<T extends object>(
  table: OptionTable<T>,
  place: Required<Pick<OptionsPlace, 'example'>> & OptionsPlace,
): OptionKind {
  return {
    form: place.example,
    read: (value, path) => readMembers(value, table, place, path),
  };
}

function readMembers(
  given: unknown,
  table: OptionTable<object>,
  { example = 'an object', instead = {} }: OptionsPlace,
  path: string,
): object {
  if (!isOptionsObject(given)) {
    throw path
      ? wrong(path, given, example)
      : new TypeError(`the options are ${showValue(given)}: write ${example}`);
  }
  const kinds = table as Readonly<Record<string, OptionKind>>;
  const unknown = keysOf(given, path, example).find((key) => !Object.hasOwn(kinds, key));
  if (unknown !== undefined) throw unknownOption(unknown, kinds, instead, path);
  const entries = Object.entries(kinds).map(
    ([key, kind]) => [key, readMember(given, key, kind, path)] as const,
  );
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function readMember(given: object, key: string, kind: OptionKind, path: string): unknown {
  const name = path ? `${path}.${key}` : key;
  let value: unknown;
  try {
    value = (given as Record<string, unknown>)[key];
  } catch (cause) {
    throw new TypeError(`${name} cannot be read, its getter throws: write ${kind.form}`, { cause });
  }
  if (value !== undefined) return kind.read(value, name);
  if (kind.isRequired) throw new TypeError(`${name} is missing: write ${kind.form}`);
  return undefined;
}

function keysOf(given: object, path: string, example: string): string[] {
  try {
    return Object.keys(given);
  } catch (cause) {
    throw new TypeError(`${path || 'the options object'} cannot be read: write ${example}`, { cause });
  }
}

/** A literal or an instance of a class; no Array, Map, Promise and the like, whose keys would be no options. */
function isOptionsObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return Object.prototype.toString.call(value) === '[object Object]';
  } catch {
    return false;
  }
}

function unknownOption(
  key: string,
  kinds: Readonly<Record<string, OptionKind>>,
  instead: Readonly<Record<string, string>>,
  path: string,
): TypeError {
  const inPath = (name: string) => (path ? `${path}.${name}` : name);
  const name = inPath(/^[\w$-]{1,40}$/.test(key) ? key : showValue(key));
  if (Object.hasOwn(instead, key)) return new TypeError(`${name} is unknown: write ${instead[key]}`);
  const near = nearName(key, Object.keys(kinds));
  if (near) return new TypeError(`${name} is unknown: write ${inPath(near)}, ${kinds[near]?.form}`);
  const names = Object.keys(kinds);
  const choice = names.length > MOST_NAMES ? '' : `write one of ${names.join(', ')}, or `;
  return new TypeError(`${name} is unknown: ${choice}leave it out`);
}

/** The error about a value of the wrong kind. */
export function wrong(path: string, value: unknown, form: string): TypeError {
  return new TypeError(
    `${path} is ${showValue(value)}: write ${form}${value === null ? ', or leave it out' : ''}`,
  );
}
