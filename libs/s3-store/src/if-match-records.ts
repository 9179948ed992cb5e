import { errors } from '@nestjs-tus/core';
import type { Bucket, ListPosition } from './bucket.js';
import type { ObjectKeys } from './object-keys.js';
import type { ListedRecord, RecordStore, Versioned } from './record-store.js';
import { hasName, isMissing, isPreconditionFailed } from './storage-error.js';
import { parseOwnRecord, parseRecord, serializeRecord } from './record-text.js';
import type { UploadRecord } from './upload-record.js';

/** What a service answers to the loser of two conditional writes at the same time. */
const RACED = ['ConditionalRequestConflict', 'OperationAborted'];

/** One object for each upload, replaced only by whoever knows the ETag that it has. */
export class IfMatchRecords implements RecordStore {
  /** @param quoteless some gateways compare the ETag with the header as it is, quotes and all, and want it without */
  constructor(
    private readonly bucket: Bucket,
    private readonly keys: ObjectKeys,
    private readonly quoteless: boolean,
  ) {}

  async read(id: string, known?: Versioned): Promise<Versioned> {
    const key = this.keys.record(id);
    try {
      const found = await this.bucket.readText(key, known?.version);
      if (known && found === 'not-modified') return known;
      if (found === 'not-modified') throw new Error('the service answered 304 to a call without a condition');
      return { record: parseOwnRecord(found.text, key), version: found.etag };
    } catch (error) {
      throw isMissing(error) ? errors.notFound(error) : error;
    }
  }

  async create(record: UploadRecord): Promise<string> {
    const { id } = record.info;
    try {
      return await this.bucket.put(this.keys.record(id), serializeRecord(record), {
        IfNoneMatch: '*',
        ContentType: 'application/json',
      });
    } catch (error) {
      if (!isPreconditionFailed(error) && !hasName(error, ...RACED)) throw error;
      return this.ownCommit(record, errors.uploadExists(error));
    }
  }

  async commit(record: UploadRecord, version: string): Promise<string> {
    const { id } = record.info;
    try {
      return await this.bucket.put(this.keys.record(id), serializeRecord(record), {
        IfMatch: this.quoteless ? version.replaceAll('"', '') : version,
        ContentType: 'application/json',
      });
    } catch (error) {
      if (isMissing(error)) throw errors.lockLost(error);
      if (!isPreconditionFailed(error) && !hasName(error, ...RACED)) throw error;
      return this.ownCommit(record, errors.lockLost(error));
    }
  }

  async remove(record: UploadRecord): Promise<void> {
    await this.bucket.remove(this.keys.record(record.info.id));
  }

  async list(from: ListPosition): Promise<{ records: ListedRecord[]; next?: ListPosition }> {
    const { keys, next } = await this.bucket.list(this.keys.recordPrefix, from);
    const records = keys.flatMap(({ key, etag }) => {
      const id = this.keys.idOfRecord(key);
      return id !== undefined && key === this.keys.record(id) ? [{ id, key, etag }] : [];
    });
    return { records, next };
  }

  async open({ key }: ListedRecord): Promise<UploadRecord | undefined> {
    try {
      const found = await this.bucket.readText(key);
      return found === 'not-modified' ? undefined : parseRecord(found.text);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** The condition fails, too, for a call that was tried again after it had succeeded unheard. */
  private async ownCommit(record: UploadRecord, otherwise: unknown): Promise<string> {
    const found = await this.bucket.readText(this.keys.record(record.info.id)).catch((error: unknown) => {
      throw isMissing(error) ? otherwise : error;
    });
    if (found === 'not-modified' || parseRecord(found.text)?.commit !== record.commit) throw otherwise;
    return found.etag;
  }
}
