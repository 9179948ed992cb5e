import { serializeDictionary } from 'structured-headers';
import { stateOf, type FileInfo } from '../file-info.js';
import type { ResolvedConfig } from '../resolve-config.js';
import type { IetfVersion } from './ietf-versions.js';

/**
 * The value of Upload-Limit: what the server enforces, of one upload or of those to come. `min-size=0` is there even when nothing is
 * limited, since an empty field would say nothing at all.
 */
export function uploadLimit(
  config: ResolvedConfig,
  { ageKey }: Pick<IetfVersion, 'ageKey'>,
  info?: FileInfo,
  now = Date.now(),
): string {
  const limits: Record<string, number> = { 'min-size': config.minSize };
  const sizes = [config.maxSize, info?.maxSize ?? 0].filter((size) => size > 0);
  if (sizes.length > 0) limits['max-size'] = Math.min(...sizes);
  if (config.minAppendSize > 0) limits['min-append-size'] = config.minAppendSize;
  if (config.maxAppendSize > 0) limits['max-append-size'] = config.maxAppendSize;
  const age = info ? remainingAge(info, now) : config.expiration.after;
  if (age !== undefined && age > 0) limits[ageKey] = Math.floor(age / 1000);
  return serializeDictionary(limits);
}

/** Milliseconds that an upload has left; undefined when it does not expire. */
function remainingAge(info: FileInfo, now: number): number | undefined {
  if (!info.expiresAt || stateOf(info) === 'finished') return undefined;
  return Math.max(info.expiresAt.getTime() - now, 0);
}
