import type { TusLogger } from './config.js';

/**
 * Writes an event as `event="UploadCreated" id="f00" size="12"`.
 * @param details keys and values in turn
 */
export function logEvent(logger: Pick<TusLogger, 'log'>, eventName: string, ...details: string[]): void {
  const pairs = [['event', eventName]];
  for (let index = 0; index < details.length; index += 2)
    pairs.push([details[index] ?? '', details[index + 1] ?? '']);
  logger.log(pairs.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(' '));
}
