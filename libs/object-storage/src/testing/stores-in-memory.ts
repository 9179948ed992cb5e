import type { Backend } from '../assembly.js';
import { ObjectStore, type ObjectStoreOptions } from '../object-store.js';

const OPTIONS: ObjectStoreOptions = {
  format: 'nestjs-tus/memory-bucket',
  objectPrefix: 'uploads/',
  key: '{id}',
  partSize: 10,
  concurrency: 4,
  concurrencyPerUpload: 2,
  maxBufferedBytes: 1_000,
};

/** A store as the process of `node` has it. Parts of 10 bytes. */
export function storeOn(node: Backend, options: Partial<ObjectStoreOptions> = {}): ObjectStore {
  return new ObjectStore(async () => node, { ...OPTIONS, ...options });
}
