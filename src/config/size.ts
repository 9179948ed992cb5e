const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** The form of a size, for texts. */
export const SIZE_FORM = 'a number of bytes, or a size such as 8KiB, 64MiB, 5GiB or 1TiB';

/** Reads `1048576`, `64MiB`, `1.5GiB` as bytes. Undefined: it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(B|[KMGT]iB)?$/.exec(text);
  if (!match) return undefined;
  const [, amount = '', unit = ''] = match;
  const bytes = Number(amount) * (BYTES[unit] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
