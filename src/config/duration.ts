const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** The form of a duration, for texts. */
export const DURATION_FORM = 'a duration such as 500ms, 10s, 5m or 24h, or 0';

/**
 * Reads `500ms`, `10s`, `1.5h` as milliseconds; `0` needs no unit. Undefined: it is none, or one that would be rounded to 0, which
 * means never or at once.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (!match) return undefined;
  const [, amount = '', unit = ''] = match;
  const milliseconds = Math.round(Number(amount) * (MILLISECONDS[unit] ?? Number.NaN));
  if (milliseconds === 0 && Number(amount) !== 0) return undefined;
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined;
}
