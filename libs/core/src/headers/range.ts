import type { ByteRange } from '../store/data-store.js';

const SINGLE = /^bytes=\s*(\d*)-(\d*)\s*$/;

/**
 * Reads a Range header (RFC 9110, 14.2).
 * @returns a range inside `size` bytes; `unsatisfiable`; or undefined when the header is to be ignored: another unit, malformed,
 *   or several ranges, which a server may answer with the whole.
 */
export function readRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const match = header === undefined ? null : SINGLE.exec(header);
  if (!match) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  if (first === '') return suffix(Number(last), size);
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start < size ? { start, end } : 'unsatisfiable';
}

function suffix(length: number, size: number): ByteRange | 'unsatisfiable' {
  if (length === 0 || size === 0) return 'unsatisfiable';
  return { start: Math.max(0, size - length), end: size - 1 };
}
