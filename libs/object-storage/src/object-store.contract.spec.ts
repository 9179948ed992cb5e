import { describeStoreContract } from '@nestjs-tus/core/testing';
import { MemoryBucket, type MemoryBucketOptions } from './testing/memory-bucket.js';
import { storeOn } from './testing/stores-in-memory.js';

const MIB = 1024 * 1024;
/** Of S3: the contract reads uploads whose parts are all there, but are not finished; so they have to be one object. */
const RULES = { minPiece: 5 * MIB, maxPiece: 5 * 1024 * MIB, maxPieces: 10_000, maxCopy: 1024 * MIB };

const BUCKETS: readonly (readonly [string, MemoryBucketOptions])[] = [
  ['that replaces records', {}],
  ['with create-once records', { conditions: 'absence', pageSize: 3 }],
  ['with random names', { names: 'random' }],
  ['that makes an object of all pieces', { wantsAllPieces: true }],
  ['that does not copy', { copies: false }],
  ['of equal pieces', { rules: { equal: true } }],
];

for (const [name, options] of BUCKETS) {
  describeStoreContract(`A store on a bucket ${name}`, async () => ({
    store: storeOn(new MemoryBucket({ ...options, rules: { ...RULES, ...options.rules } }).node(), {
      partSize: 8 * MIB,
      maxBufferedBytes: MIB,
    }),
  }));
}
