export { FileStore } from './file-store.js';
export { FileLocker, type FileLockerOptions } from './locker/file-locker.js';
export type { Durability, FileStoreOptions } from './options.js';
