import { errors } from '@nestjs-tus/core';
import { removeAll } from '../content/listed-objects.js';
import type { ListPosition, Objects, Version } from '../objects.js';
import { Changed, Missing } from '../problems.js';
import type { ObjectKeys } from './object-keys.js';
import type { ListedRecord, ListedRecords, RecordStore, Versioned } from './record-store.js';
import { RECORD_TYPE, type RecordText } from './record-text.js';
import type { UploadRecord } from './upload-record.js';

/** Generations count down in their keys, so that the newest is the first in a list. */
const LAST = 0xffff_ffff_ffff;
/** Milliseconds after which no commit can be under way any more that a removal would have to stop. */
const REMEMBERED_FOR = 24 * 60 * 60 * 1_000;

/**
 * For services that can create an object only once, but not replace it only if it is unchanged: each version of a record is an object of
 * its own, and the version after it can be created by one writer only. All of them stay until the upload is removed: a holder that was replaced
 * finds its next version taken whenever it wakes up. Of a removed upload the last version, which says so, stays for a day.
 */
export class GenerationRecords implements RecordStore {
  constructor(
    private readonly objects: Objects,
    private readonly keys: ObjectKeys,
    private readonly text: RecordText,
  ) {}

  async read(id: string, known?: Versioned): Promise<Versioned> {
    const key = await this.newest(id);
    if (key === undefined) throw errors.notFound();
    if (key === known?.version) return known;
    const text = await this.textOf(key);
    if (text === undefined) throw errors.notFound();
    return { record: this.text.readOwn(text, key), version: key };
  }

  async create(record: UploadRecord): Promise<Version> {
    const { id } = record.info;
    const newest = await this.newest(id);
    const text = newest && (await this.textOf(newest));
    if (text !== undefined && this.text.read(text)?.lost === undefined) throw errors.uploadExists();
    return this.write(record, newest ? after(newest) : `${this.keys.record(id)}-${hex(LAST)}`, () =>
      errors.uploadExists(),
    );
  }

  commit(record: UploadRecord, version: Version): Promise<Version> {
    return this.write(record, after(version), errors.lockLost);
  }

  async remove({ info, lost }: UploadRecord, version: Version): Promise<void> {
    await removeAll(this.objects, `${this.keys.record(info.id)}-`, version);
    // A version that does not say that the upload is gone must go, too: there was no room for one that does.
    if (lost === undefined) await this.objects.remove(version);
  }

  async list(from: ListPosition): Promise<ListedRecords> {
    const { keys, next } = await this.objects.list(this.keys.recordPrefix, from);
    const records: ListedRecord[] = [];
    let previous = from.after === undefined ? undefined : this.keys.idOfRecord(from.after);
    for (const { key, version } of keys) {
      const id = this.keys.idOfRecord(key);
      if (id !== undefined && id !== previous) records.push({ id, key, version });
      previous = id;
    }
    return { records, next };
  }

  async open({ key }: ListedRecord): Promise<UploadRecord | undefined> {
    const text = await this.textOf(key);
    if (text === undefined) return undefined;
    const record = this.text.read(text);
    if (record?.lost === undefined || Date.parse(record.lost) > Date.now() - REMEMBERED_FOR) return record;
    await this.objects.remove(key);
    return undefined;
  }

  private async newest(id: string): Promise<string | undefined> {
    const { keys } = await this.objects.list(`${this.keys.record(id)}-`, {}, 1);
    return keys[0]?.key;
  }

  private async write(record: UploadRecord, key: string, taken: (cause: unknown) => Error): Promise<Version> {
    try {
      await this.objects.put(key, this.text.write(record), { unless: 'exists', contentType: RECORD_TYPE });
      return key;
    } catch (error) {
      if (!(error instanceof Changed)) throw error;
      // A call that was tried again after it had succeeded unheard finds its own generation.
      const text = await this.textOf(key);
      if (text !== undefined && this.text.read(text)?.commit === record.commit) return key;
      throw taken(error);
    }
  }

  private async textOf(key: string): Promise<string | undefined> {
    try {
      const found = await this.objects.read(key);
      return found === 'unchanged' ? undefined : found.text;
    } catch (error) {
      if (error instanceof Missing) return undefined;
      throw error;
    }
  }
}

/** The key of the generation that follows. */
function after(key: string): string {
  const at = key.lastIndexOf('-') + 1;
  return key.slice(0, at) + hex(Number.parseInt(key.slice(at), 16) - 1);
}

function hex(generation: number): string {
  return generation.toString(16).padStart(12, '0');
}
