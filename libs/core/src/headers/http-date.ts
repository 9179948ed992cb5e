import { types } from 'node:util';

/** A date as headers have it (RFC 9110, 5.6.7); undefined for what is no date, or none that the form can hold. */
export function httpDateOf(date: Date | undefined): string | undefined {
  if (!types.isDate(date)) return undefined;
  const year = date.getUTCFullYear();
  return year >= 0 && year <= 9999 ? date.toUTCString() : undefined;
}
