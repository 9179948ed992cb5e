import { describeAssemblyContract } from './assembly-contract.js';
import { MemoryBucket, type MemoryBucketOptions } from './memory-bucket.js';
import { describeObjectsContract } from './objects-contract.js';

const BUCKETS: readonly (readonly [string, MemoryBucketOptions])[] = [
  ['in memory', {}],
  ['in memory, without conditions for versions', { conditions: 'absence', pageSize: 2 }],
  ['in memory, with random names', { names: 'random' }],
  ['in memory, which wants all pieces', { wantsAllPieces: true, copies: true }],
  ['in memory, which does not copy', { copies: false }],
];

for (const [name, options] of BUCKETS) {
  const makeBackend = async () => ({ ...new MemoryBucket(options).node(), prefix: 'below/' });
  describeObjectsContract(`A bucket ${name}`, makeBackend);
  describeAssemblyContract(`A bucket ${name}`, makeBackend);
}
