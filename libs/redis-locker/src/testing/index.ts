import { type RedisLockerOptions, resolveOptions } from '../options.js';
import { RedisMedium } from '../redis-medium.js';

/** What a RedisLocker is built on, for the contract suite of media. The package does not contain this folder. */
export function redisMedium(options: RedisLockerOptions): RedisMedium {
  return new RedisMedium(resolveOptions(options));
}
