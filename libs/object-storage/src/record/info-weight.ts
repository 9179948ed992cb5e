import type { FileInfo } from '@nestjs-tus/core';

/** Characters of headers that weigh as much as an upload without any. */
const HEADERS_OF_ONE = 512;

/** What an info weighs in memory, in infos without metadata: clients decide how long their headers are. */
export function weightOf({ metaData, metaDataHeader = '', concatHeader = '' }: FileInfo): number {
  const values = Object.entries(metaData).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  return 1 + (values + metaDataHeader.length + concatHeader.length) / HEADERS_OF_ONE;
}
