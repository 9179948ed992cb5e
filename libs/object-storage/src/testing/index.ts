export { describeAssemblyContract } from './assembly-contract.js';
export type { BackendUnderTest } from './contract-steps.js';
export type { MemoryCall } from './memory-call.js';
export {
  type Interference,
  MemoryBucket,
  type MemoryBucketOptions,
  type MemoryNode,
} from './memory-bucket.js';
export { describeObjectsContract } from './objects-contract.js';
