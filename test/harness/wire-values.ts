/** Values that no header for a number of bytes may have (tus 1.0.0: "a non-negative integer"). */
export const NOT_A_NUMBER_OF_BYTES = [
  ['negative', '-1'],
  ['a fraction', '1.5'],
  ['a word', 'abc'],
  ['hexadecimal', '0x1'],
  ['an exponent', '1e3'],
  ['empty', ''],
  ['two numbers', '5 5'],
  ['a list', '0, 0'],
  ['a sign', '+5'],
  ['infinite', 'Infinity'],
  ['not ASCII', '\u00b2'],
  ['2^53', '9007199254740992'],
  ['2^63', '9223372036854775808'],
  ['thirty digits', '100000000000000000000000000000'],
] as const;

/** RFC 9110's IMF-fixdate. */
export const IMF_FIXDATE =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;

export function base64(text: string | Uint8Array): string {
  return Buffer.from(text).toString('base64');
}
