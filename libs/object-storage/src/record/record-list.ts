import {
  copyFileInfo,
  type FileInfo,
  type ListFilter,
  type ListPage,
  RecentMap,
  stateOf,
} from '@nestjs-tus/core';
import type { ListPosition, Objects, Version } from '../objects.js';
import { weightOf } from './info-weight.js';
import type { ListedRecord, ListedRecords, RecordStore } from './record-store.js';
import { infoOf, type UploadRecord } from './upload-record.js';

/** Uploads on one page when the filter names no limit. */
const DEFAULT_PAGE = 100;
/** Records that are read at the same time. */
const AT_ONCE = 16;
/** Infos that are remembered at least, if they have little metadata: a record with the same version need not be read again at every sweep. */
const REMEMBERED = 10_000;
const LONG_AGO = new Date(0);

interface Remembered {
  readonly version: Version;
  /** Undefined: not a record of ours. */
  readonly info: FileInfo | undefined;
}

/** Lists uploads by their records. */
export class RecordList {
  private readonly remembered = new RecentMap<Remembered>(REMEMBERED);

  constructor(
    private readonly records: RecordStore,
    private readonly location: Objects['location'],
  ) {}

  async page(filter: ListFilter, cursor?: string): Promise<ListPage> {
    const limit = Math.max(filter.limit ?? DEFAULT_PAGE, 1);
    const uploads: FileInfo[] = [];
    let from: ListPosition | undefined = { after: cursor };
    do {
      const listed: ListedRecords = await this.records.list(from);
      for (let start = 0; start < listed.records.length; start += AT_ONCE) {
        const batch = listed.records.slice(start, start + AT_ONCE);
        const infos = await Promise.all(batch.map((record) => this.infoOf(record)));
        for (const [index, info] of infos.entries()) {
          if (!info || !matches(info, filter)) continue;
          uploads.push(copyFileInfo(info));
          if (uploads.length === limit) return { uploads, cursor: batch[index]?.key };
        }
      }
      from = listed.next;
    } while (from !== undefined);
    return { uploads };
  }

  private async infoOf(listed: ListedRecord): Promise<FileInfo | undefined> {
    const known = this.remembered.get(listed.key);
    if (known?.version === listed.version) return known.info;
    const record = await this.records.open(listed);
    // A file of another application may be called `.info`; a copy of a record under another name is not an upload.
    const isOurs = record !== undefined && record.info.id === listed.id;
    const info = isOurs ? listedInfo(record, this.location) : undefined;
    this.remembered.set(listed.key, { version: listed.version, info }, info ? weightOf(info) : 1);
    return info;
  }
}

/** An upload whose removal was cut off is listed as one that has expired long ago, for the sweeper alone. */
function listedInfo(record: UploadRecord, location: Objects['location']): FileInfo {
  const info = infoOf(record, location);
  return record.lost ? { ...info, state: 'receiving', offset: 0, expiresAt: LONG_AGO } : info;
}

function matches(info: FileInfo, filter: ListFilter): boolean {
  if (info.expiresAt?.getTime() === LONG_AGO.getTime() && filter.expiresBefore === undefined) return false;
  if (filter.state !== undefined && stateOf(info) !== filter.state) return false;
  if (filter.expiresBefore === undefined) return true;
  return info.expiresAt !== undefined && info.expiresAt < filter.expiresBefore;
}
