import { inspect } from 'node:util';

/** How deep JSON may be nested: what is deeper holds itself, or would overflow the stack that writes it. */
const MAX_DEPTH = 100;
const MAX_SHOWN = 80;

/**
 * The own members of a plain object, read once: getters and proxies of an application may throw, or give another value the next time.
 * Members that are undefined are left out, as JSON does.
 * @throws TypeError that says what to write instead
 */
export function membersOf(value: unknown, where: string): [string, unknown][] {
  if (!isPlainObject(value)) throw new TypeError(`${where} is ${shown(value)}: write a plain object`);
  return Object.entries(value).filter(([, member]) => member !== undefined);
}

/**
 * A copy of a value that survives `JSON.stringify` and `JSON.parse`.
 * @throws TypeError that says which part of it does not
 */
export function jsonOf(value: unknown, where: string, depth = 0): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (depth > MAX_DEPTH) throw new TypeError(`${where} is nested too deeply: write JSON`);
  if (Array.isArray(value)) {
    return value.map((item, index) => jsonOf(item, `${where}[${index}]`, depth + 1));
  }
  if (!isPlainObject(value)) throw new TypeError(`${where} is ${shown(value)}: write JSON`);
  const members = membersOf(value, where);
  return Object.fromEntries(members.map(([key, item]) => [key, jsonOf(item, `${where}.${key}`, depth + 1)]));
}

/** A value as one line for the log, whatever it is; of one that is long, the beginning. */
export function shown(value: unknown): string {
  try {
    const [text = ''] = inspect(value, { depth: 0, breakLength: Infinity }).split('\n');
    return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  } catch {
    return `a value of type ${typeof value} that cannot be shown`;
  }
}

/** Of any realm: what has no prototype, or the one at the root. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
