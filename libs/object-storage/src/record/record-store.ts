import type { ListPosition, Version } from '../objects.js';
import type { UploadRecord } from './upload-record.js';

/** A record, and which version of it the storage has. */
export interface Versioned {
  readonly record: UploadRecord;
  readonly version: Version;
}

/** One record's place in a list. */
export interface ListedRecord {
  readonly id: string;
  readonly key: string;
  /** Of the object at `key`: with the same one its record is the same. */
  readonly version: Version;
}

export interface ListedRecords {
  readonly records: readonly ListedRecord[];
  /** Absent at the end. */
  readonly next?: ListPosition;
}

/** Keeps the records of uploads, so that of two writers who know the same version only one succeeds. */
export interface RecordStore {
  /**
   * @param known what is known already: returned as it is while it is the newest
   * @throws HttpError `ERR_UPLOAD_NOT_FOUND`
   */
  read(id: string, known?: Versioned): Promise<Versioned>;
  /** @returns the version. @throws HttpError `ERR_UPLOAD_EXISTS` */
  create(record: UploadRecord): Promise<Version>;
  /** @returns the version. @throws HttpError `ERR_LOCK_LOST` when `version` is not the newest any more */
  commit(record: UploadRecord, version: Version): Promise<Version>;
  /** Removes the record of an upload whose `version` is the newest: no commit that is still under way brings the upload back. */
  remove(record: UploadRecord, version: Version): Promise<void>;
  /** Some records, in the order of their keys. */
  list(from: ListPosition): Promise<ListedRecords>;
  /** The record that a list has named; undefined when it is gone or not ours. */
  open(listed: ListedRecord): Promise<UploadRecord | undefined>;
}
