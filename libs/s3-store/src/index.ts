export { S3Store } from './s3-store.js';
export type { ConditionalWrites, PresignedDownloads, S3StoreOptions } from './options.js';
export type { KeyTemplate } from './object-keys.js';
export type { ObjectHeaders } from './object-headers.js';
