import { copyFileInfo, type FileInfo, type FileInfoUpdate } from '@nestjs-tus/core';
import type { UploadRecord } from './upload-record.js';

/** An info with changes; `null` removes a field, and so does false of `untold`. */
export function updated(info: FileInfo, changes: FileInfoUpdate): FileInfo {
  const set = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const changed = copyFileInfo({ ...info, ...set });
  if (changes.expiresAt === null) delete changed.expiresAt;
  if (changes.context === null) delete changed.context;
  if (changes.untold === false) delete changed.untold;
  return changed;
}

/** A complete object says that its upload is finished: that need not be written beside it. */
export function saysNothingNew(record: UploadRecord, info: FileInfo): boolean {
  const before =
    record.complete && record.info.state === undefined ? { ...record.info, state: 'finished' } : record.info;
  return JSON.stringify(sorted(before)) === JSON.stringify(sorted(info));
}

function sorted(value: object): [string, unknown][] {
  return Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
