const DIGITS = /^\d{1,16}$/;

/**
 * Reads a non-negative integer as Upload-Offset, Upload-Length and Content-Length have it.
 * @returns undefined for anything else: a sign, a fraction, a list of two, more than 2^53 - 1
 */
export function parseInteger(value: string | undefined): number | undefined {
  if (value === undefined || !DIGITS.test(value)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}
