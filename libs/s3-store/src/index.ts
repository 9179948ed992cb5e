export { S3Store } from './s3-store.js';
export type { ConditionalWrites, PresignedDownloads, S3StoreOptions } from './options.js';
export type { KeyTemplate } from '@nestjs-tus/object-storage';
export type { ObjectHeaders } from './service/object-headers.js';
