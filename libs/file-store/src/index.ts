export { FileStore } from './file-store.js';
export type { Durability, FileStoreOptions } from './options.js';
