import type { FileInfo } from '../file-info.js';

/** A copy that shares nothing with `info`: not its dates, nor its JSON. What an event adds to an info stays out. */
export function copyFileInfo(info: FileInfo): FileInfo {
  return copyValue(info);
}

/** A deep copy of JSON with dates in it. `Object.fromEntries` defines keys, so a key named `__proto__` stays a key. */
export function copyValue<T>(value: T): T;
export function copyValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return new Date(value);
  if (Array.isArray(value)) return value.map((item: unknown) => copyValue(item));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => typeof item !== 'function')
      .map(([key, item]: [string, unknown]) => [key, copyValue(item)]),
  );
}
