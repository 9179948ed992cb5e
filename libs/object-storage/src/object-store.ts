import {
  type ConcatableUpload,
  type ConcaterDataStore,
  type DataStore,
  errors,
  type FileInfo,
  type LengthDeclarableUpload,
  type LengthDeferrerDataStore,
  type ListerDataStore,
  type ListFilter,
  type ListPage,
  type Lock,
  Permits,
  type StoreContext,
  type TerminatableUpload,
  type TerminaterDataStore,
  type UpdatableUpload,
  type UpdaterDataStore,
  type Upload,
  type VerifiableUpload,
  type VerifierDataStore,
} from '@nestjs-tus/core';
import type { Backend } from './assembly.js';
import { BufferBudget } from './memory/buffer-budget.js';
import { storageError } from './problems.js';
import { GenerationRecords } from './record/generation-records.js';
import { isReservedId, type KeyTemplate, ObjectKeys } from './record/object-keys.js';
import { RecordList } from './record/record-list.js';
import type { Versioned } from './record/record-store.js';
import { RecordText } from './record/record-text.js';
import { ReplacedRecords } from './record/replaced-records.js';
import { newRecord } from './record/upload-record.js';
import { KnownUploads } from './upload/known-uploads.js';
import { removeUpload } from './upload/remove-upload.js';
import type { Storage } from './upload/storage.js';
import { failIfTooLarge, storedUpload, StoredUpload } from './upload/stored-upload.js';
import { UploadState } from './upload/upload-state.js';

/** What a store of objects is made with. The store of a cloud has checked it, and has set the defaults. */
export interface ObjectStoreOptions {
  /** What makes a record this kind of store's, e.g. `nestjs-tus/s3-store`. It is in every record: it never changes. */
  readonly format: string;
  /** Put before every key. */
  readonly objectPrefix: string;
  /** The key of an upload's object, below `objectPrefix`. */
  readonly key: KeyTemplate;
  /** Bytes of a part while the length allows. Smaller uploads are one `put`. */
  readonly partSize: number;
  /** Calls with bytes that are under way at the same time, in the whole store. */
  readonly concurrency: number;
  readonly concurrencyPerUpload: number;
  /** Bytes of all uploads together that wait in memory. */
  readonly maxBufferedBytes: number;
}

/**
 * Keeps uploads in an object storage, with every extension. Any number of processes may share it, when their locker spans them too.
 *
 * @example
 * const store = new ObjectStore(async () => ({ objects, assembly }), options);
 */
export class ObjectStore
  implements
    DataStore,
    TerminaterDataStore,
    ConcaterDataStore,
    LengthDeferrerDataStore,
    VerifierDataStore,
    UpdaterDataStore,
    ListerDataStore
{
  readonly spansProcesses = true;

  private readonly permits: Permits;
  private readonly budget: BufferBudget;
  private readonly known = new KnownUploads();
  /** Uploads whose record is written with their first bytes, by id. */
  private readonly pending = new Map<string, UploadState>();
  private starting: Promise<Storage> | undefined;
  private listing: RecordList | undefined;

  /** @param open finds out whether the service can be used; called once, and again after it has rejected */
  constructor(
    private readonly open: () => Promise<Backend>,
    private readonly options: ObjectStoreOptions,
  ) {
    this.permits = new Permits(options.concurrency);
    this.budget = new BufferBudget(options.maxBufferedBytes);
  }

  /** Bytes of uploads that are in memory now, for metrics. */
  get bufferedBytes(): number {
    return this.budget.bytes;
  }

  /** @throws what opening the backend rejects with, for the operator */
  async init(): Promise<void> {
    await this.storage();
  }

  async newUpload(info: FileInfo, context: StoreContext): Promise<Upload> {
    const storage = await this.storageNow();
    try {
      if (isReservedId(info.id)) {
        throw errors.internal(
          new Error(`the id ${JSON.stringify(info.id)} ends like a key of the store's own`),
        );
      }
      failIfTooLarge(storage, info.size);
      const object = storage.keys.object(info);
      storage.objects.checkUpload?.(info);
      if (this.pending.has(info.id)) throw errors.uploadExists();
      if (object.isChosen && (await storage.objects.head(object.key))) throw errors.uploadExists();
      const record = newRecord(info, object);
      const state = new UploadState(storage, { record, version: undefined }, true, context.lock);
      if (mayWait(info, context, this.options)) this.writeLater(state, context);
      else await state.commitAtRest({}, context);
      return this.uploadOf(storage, state);
    } catch (error) {
      throw storageError(error, context.signal);
    }
  }

  async getUpload(id: string, context: StoreContext): Promise<Upload> {
    if (isReservedId(id)) throw errors.notFound();
    const storage = await this.storageNow();
    try {
      await this.writeNow(id);
      return this.uploadOf(storage, await this.read(storage, id, context));
    } catch (error) {
      throw storageError(error, context.signal);
    }
  }

  asTerminatableUpload(upload: Upload): TerminatableUpload {
    return storedUpload(upload);
  }

  asConcatableUpload(upload: Upload): ConcatableUpload {
    return storedUpload(upload);
  }

  asLengthDeclarableUpload(upload: Upload): LengthDeclarableUpload {
    return storedUpload(upload);
  }

  asVerifiableUpload(upload: Upload): VerifiableUpload {
    return storedUpload(upload);
  }

  asUpdatableUpload(upload: Upload): UpdatableUpload {
    return storedUpload(upload);
  }

  /** Uploads in the order of their keys. Looks at records only: an object without one is no upload. */
  async list(filter: ListFilter, cursor?: string): Promise<ListPage> {
    const { records, objects } = await this.storageNow();
    this.listing ??= new RecordList(records, objects.location);
    try {
      return await this.listing.page(filter, cursor);
    } catch (error) {
      throw storageError(error);
    }
  }

  private async read(storage: Storage, id: string, { lock }: StoreContext): Promise<UploadState> {
    const trusted = lock && this.known.trusted(id, lock)?.under(lock);
    const state = trusted ?? (await this.readAnew(storage, id, lock));
    if (!state.record.lost) return state;
    // Its removal was cut off.
    if (lock) await removeUpload(storage, state);
    throw errors.notFound();
  }

  private async readAnew(storage: Storage, id: string, lock: Lock | undefined): Promise<UploadState> {
    const read = await storage.records.read(id, this.known.lastSeen(id));
    return new UploadState(storage, read, isAtRest(read, lock), lock);
  }

  private uploadOf(storage: Storage, state: UploadState): StoredUpload {
    const { id } = state.record.info;
    if (state.lock) this.known.remember(id, state);
    return new StoredUpload(storage, state, () => this.known.forget(id));
  }

  /** An upload that comes in this very request needs no record without bytes. */
  private writeLater(state: UploadState, context: StoreContext): void {
    const { id } = state.record.info;
    this.pending.set(id, state);
    context.defer?.(async () => {
      if (this.pending.get(id) === state) await this.writeNow(id);
    });
  }

  private async writeNow(id: string): Promise<void> {
    const state = this.pending.get(id);
    this.pending.delete(id);
    try {
      await state?.writePending();
    } catch (error) {
      throw storageError(error);
    }
  }

  /** What all uploads share; opened now, unless `init` was called. */
  private async storageNow(): Promise<Storage> {
    try {
      return await this.storage();
    } catch (error) {
      throw errors.storageUnavailable(error);
    }
  }

  private storage(): Promise<Storage> {
    this.starting ??= this.openStorage().catch((error: unknown) => {
      // Not for good: the next call tries again.
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  private async openStorage(): Promise<Storage> {
    const { permits, budget, options } = this;
    const { objects, assembly } = await this.open();
    const keys = new ObjectKeys(options.objectPrefix, options.key, objects.limits.maxKey);
    const text = new RecordText(options.format);
    const Records = objects.conditions === 'version' ? ReplacedRecords : GenerationRecords;
    return {
      objects,
      assembly,
      records: new Records(objects, keys, text),
      keys,
      sizing: { ...assembly.rules, partSize: options.partSize },
      concurrencyPerUpload: options.concurrencyPerUpload,
      permits,
      budget,
    };
  }
}

/**
 * True for an upload that is likely to be stored in one go: its record is written after its object. A client of the IETF draft learns the URL before it
 * has sent everything, and may ask another node for it.
 */
function mayWait(info: FileInfo, context: StoreContext, { partSize }: ObjectStoreOptions): boolean {
  if (!context.lock || !context.defer) return false;
  return !info.sizeIsDeferred && info.size <= partSize && info.protocol !== 'ietf' && !info.isFinal;
}

/** True when the holder before let go by itself, and had nothing under way when it committed last. */
function isAtRest({ record }: Versioned, lock: StoreContext['lock']): boolean {
  return lock?.previousToken !== undefined && !lock.seized && lock.previousToken === record.idleToken;
}
