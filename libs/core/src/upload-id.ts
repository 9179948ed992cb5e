import { randomBytes } from 'node:crypto';

const ID = /^[A-Za-z0-9._~-]{1,128}$/;
const DOTS = /^\.+$/;
const ID_BYTES = 16;
/** Random bytes are drawn for many ids at once; one call into OpenSSL for each is most of an id's cost. */
const POOL_BYTES = ID_BYTES * 256;

let pool = Buffer.alloc(0);
let used = 0;

/** A new upload id: 128 random bits in hex. */
export function newUploadId(): string {
  if (used === pool.length) {
    pool = randomBytes(POOL_BYTES);
    used = 0;
  }
  used += ID_BYTES;
  return pool.toString('hex', used - ID_BYTES, used);
}

/** True for 1 to 128 of `A-Z a-z 0-9 . _ ~ -` that are not dots alone. Every id is checked before it reaches a store. */
export function isUploadId(id: string): boolean {
  return ID.test(id) && !DOTS.test(id);
}
