import { errors } from '@nestjs-tus/core';
import type { ListPosition, Objects, Version } from '../objects.js';
import { Changed, Conflict, Missing } from '../problems.js';
import type { ObjectKeys } from './object-keys.js';
import type { ListedRecord, ListedRecords, RecordStore, Versioned } from './record-store.js';
import { RECORD_TYPE, type RecordText } from './record-text.js';
import type { UploadRecord } from './upload-record.js';

/** One object for each upload, replaced only by a writer that knows its version. */
export class ReplacedRecords implements RecordStore {
  constructor(
    private readonly objects: Objects,
    private readonly keys: ObjectKeys,
    private readonly text: RecordText,
  ) {}

  async read(id: string, known?: Versioned): Promise<Versioned> {
    const key = this.keys.record(id);
    try {
      const found = await this.objects.read(key, known?.version);
      if (known && found === 'unchanged') return known;
      if (found === 'unchanged')
        throw new Error('the service says "unchanged" to a call that named no version');
      return { record: this.text.readOwn(found.text, key), version: found.version };
    } catch (error) {
      throw error instanceof Missing ? errors.notFound(error) : error;
    }
  }

  async create(record: UploadRecord): Promise<Version> {
    const key = this.keys.record(record.info.id);
    try {
      return await this.objects.put(key, this.text.write(record), {
        unless: 'exists',
        contentType: RECORD_TYPE,
      });
    } catch (error) {
      if (!isRefused(error)) throw error;
      return this.ownCommit(record, errors.uploadExists(error));
    }
  }

  async commit(record: UploadRecord, version: Version): Promise<Version> {
    const key = this.keys.record(record.info.id);
    try {
      return await this.objects.put(key, this.text.write(record), {
        ifVersion: version,
        contentType: RECORD_TYPE,
      });
    } catch (error) {
      if (error instanceof Missing) throw errors.lockLost(error);
      if (!isRefused(error)) throw error;
      return this.ownCommit(record, errors.lockLost(error));
    }
  }

  async remove(record: UploadRecord): Promise<void> {
    await this.objects.remove(this.keys.record(record.info.id));
  }

  async list(from: ListPosition): Promise<ListedRecords> {
    const { keys, next } = await this.objects.list(this.keys.recordPrefix, from);
    const records = keys.flatMap(({ key, version }) => {
      const id = this.keys.idOfRecord(key);
      return id !== undefined && key === this.keys.record(id) ? [{ id, key, version }] : [];
    });
    return { records, next };
  }

  async open({ key }: ListedRecord): Promise<UploadRecord | undefined> {
    try {
      const found = await this.objects.read(key);
      return found === 'unchanged' ? undefined : this.text.read(found.text);
    } catch (error) {
      if (error instanceof Missing) return undefined;
      throw error;
    }
  }

  /** The condition fails, too, for a call that was tried again after it had succeeded unheard. */
  private async ownCommit(record: UploadRecord, otherwise: unknown): Promise<Version> {
    const found = await this.objects.read(this.keys.record(record.info.id)).catch((error: unknown) => {
      throw error instanceof Missing ? otherwise : error;
    });
    if (found === 'unchanged' || this.text.read(found.text)?.commit !== record.commit) throw otherwise;
    return found.version;
  }
}

/** The loser of two conditional writes at the same time gets the one or the other. */
function isRefused(error: unknown): boolean {
  return error instanceof Changed || error instanceof Conflict;
}
