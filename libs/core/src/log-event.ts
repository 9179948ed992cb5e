import type { TusLogger } from './config.js';

/**
 * Writes an event as `event="UploadCreated" id="f00" size="12"`.
 * @param details keys and values in turn
 */
export function logEvent(logger: Pick<TusLogger, 'log'>, eventName: string, ...details: string[]): void {
  logger.log(formatPairs(['event', eventName, ...details]));
}

/** Keys and values in turn as `id="f00" size="12"`. */
export function formatPairs(details: readonly string[]): string {
  const pairs: string[] = [];
  for (let index = 0; index < details.length; index += 2) {
    pairs.push(`${details[index]}=${JSON.stringify(details[index + 1] ?? '')}`);
  }
  return pairs.join(' ');
}
