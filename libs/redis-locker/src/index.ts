export { RedisLocker } from './redis-locker.js';
export type { RedisConnection, RedisLockerOptions } from './options.js';
