import type { FileInfo } from '@nestjs-tus/core';

/** Characters that weigh as much as an upload without any. */
const TEXT_OF_ONE = 512;

/** What an info weighs in memory, in infos without metadata: clients decide how long their headers are, and how many parts they name. */
export function weightOf(info: FileInfo): number {
  const {
    metaDataHeader = '',
    concatHeader = '',
    digests,
    answer,
    partialUploads,
    pendingFinals = [],
  } = info;
  const texts = [
    ...Object.entries(info.metaData).flat(),
    ...[metaDataHeader, concatHeader, digests?.expected ?? '', digests?.wanted ?? ''],
    ...[answer?.body ?? '', ...Object.entries(answer?.header ?? {}).flat()],
    ...partialUploads,
    ...pendingFinals,
  ];
  return 1 + texts.reduce((sum, text) => sum + text.length, 0) / TEXT_OF_ONE;
}
