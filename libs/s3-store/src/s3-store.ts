import type { S3Client } from '@aws-sdk/client-s3';
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
  type StoreComposer,
  type StoreContext,
  type TerminatableUpload,
  type TerminaterDataStore,
  type UpdatableUpload,
  type UpdaterDataStore,
  type Upload,
  useStoreIn,
  type VerifiableUpload,
  type VerifierDataStore,
} from '@nestjs-tus/core';
import { Bucket } from './bucket.js';
import { BufferBudget } from './buffer-budget.js';
import { DownloadUrls } from './download-urls.js';
import { endpointOf, makeClient } from './client.js';
import { GenerationRecords } from './generation-records.js';
import { IfMatchRecords } from './if-match-records.js';
import { KnownUploads } from './known-uploads.js';
import { checkedHeaders } from './object-headers-problem.js';
import { isReservedId, ObjectKeys } from './object-keys.js';
import { type ResolvedOptions, resolveOptions, type S3StoreOptions } from './options.js';
import { Permits } from './permits.js';
import { probeConditionalWrites, probeHeaders } from './probe.js';
import { RecordList } from './record-list.js';
import type { RecordStore, Versioned } from './record-store.js';
import { removeUpload } from './remove-upload.js';
import { failIfTooLarge, ownUpload, S3Upload } from './s3-upload.js';
import { headersProblem, startProblem, storageError } from './storage-error.js';
import { newRecord } from './upload-record.js';
import { type Service, UploadState } from './upload-state.js';

/**
 * Keeps uploads in a bucket of an S3-compatible service, with every extension. Any number of processes may share the bucket, when their locker
 * spans them too.
 *
 * @example
 * const store = new S3Store({ bucket: 'uploads', clientConfig: { region: 'eu-central-1' } });
 * await store.init();
 * store.useIn(composer);
 */
export class S3Store
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

  private readonly client: S3Client;
  private readonly ownsClient: boolean;
  private readonly options: ResolvedOptions;
  private readonly keys: ObjectKeys;
  private readonly bucket: Bucket;
  private readonly permits: Permits;
  private readonly budget: BufferBudget;
  private readonly downloadUrls: DownloadUrls | undefined;
  private readonly known = new KnownUploads();
  /** Uploads whose record is written with their first bytes, by id. */
  private readonly pending = new Map<string, UploadState>();
  private starting: Promise<Service> | undefined;
  private listing: RecordList | undefined;

  /** @throws TypeError that says what to write instead */
  constructor(options: S3StoreOptions) {
    this.options = resolveOptions(options);
    const { bucket, objectPrefix, key, object, requestTimeout, concurrency, maxBufferedBytes } = this.options;
    const { presignedDownloads } = this.options;
    this.ownsClient = options.client === undefined;
    this.client = options.client ?? makeClient(options.clientConfig ?? {}, requestTimeout);
    this.keys = new ObjectKeys(objectPrefix, key);
    this.bucket = new Bucket(bucket, this.client, requestTimeout, checkedHeaders(object));
    this.permits = new Permits(concurrency);
    this.budget = new BufferBudget(maxBufferedBytes);
    this.downloadUrls = presignedDownloads && new DownloadUrls(bucket, this.client, presignedDownloads);
  }

  /** Bytes of uploads that are in memory now, for metrics. */
  get bufferedBytes(): number {
    return this.budget.bytes;
  }

  /** Makes this the store of `composer`, with all its extensions. */
  useIn(composer: StoreComposer): void {
    useStoreIn(this, composer);
  }

  /**
   * Checks bucket, keys, rights and clock, and finds out which conditional writes the service does right.
   * @throws Error with a text for the operator
   */
  async init(): Promise<void> {
    await this.service();
  }

  async close(): Promise<void> {
    if (this.ownsClient) this.client.destroy();
  }

  async newUpload(info: FileInfo, context: StoreContext): Promise<Upload> {
    const service = await this.serviceNow();
    try {
      if (isReservedId(info.id)) {
        throw errors.internal(
          new Error(`the id ${JSON.stringify(info.id)} ends like a key of the store's own`),
        );
      }
      failIfTooLarge(service, info.size);
      const object = this.keys.object(info);
      this.bucket.headersOf(info);
      if (this.pending.has(info.id)) throw errors.uploadExists();
      if (object.isChosen && (await this.bucket.exists(object.key))) throw errors.uploadExists();
      const record = newRecord(info, object);
      const state = new UploadState(service, { record, version: undefined }, true, context.lock);
      if (mayWait(info, context, this.options)) this.writeLater(state, context);
      else await state.commitAtRest({}, context);
      return this.uploadOf(service, state);
    } catch (error) {
      throw storageError(error, context.signal);
    }
  }

  async getUpload(id: string, context: StoreContext): Promise<Upload> {
    if (isReservedId(id)) throw errors.notFound();
    const service = await this.serviceNow();
    try {
      await this.writeNow(id);
      return this.uploadOf(service, await this.read(service, id, context));
    } catch (error) {
      throw storageError(error, context.signal);
    }
  }

  asTerminatableUpload(upload: Upload): TerminatableUpload {
    return ownUpload(upload);
  }

  asConcatableUpload(upload: Upload): ConcatableUpload {
    return ownUpload(upload);
  }

  asLengthDeclarableUpload(upload: Upload): LengthDeclarableUpload {
    return ownUpload(upload);
  }

  asVerifiableUpload(upload: Upload): VerifiableUpload {
    return ownUpload(upload);
  }

  asUpdatableUpload(upload: Upload): UpdatableUpload {
    return ownUpload(upload);
  }

  /** Uploads in the order of their keys. Looks at records only: what else is in the bucket is nobody's upload. */
  async list(filter: ListFilter, cursor?: string): Promise<ListPage> {
    const { records } = await this.serviceNow();
    this.listing ??= new RecordList(records, this.options.bucket);
    try {
      return await this.listing.page(filter, cursor);
    } catch (error) {
      throw storageError(error);
    }
  }

  private async read(service: Service, id: string, { lock }: StoreContext): Promise<UploadState> {
    const trusted = lock && this.known.trusted(id, lock)?.under(lock);
    const state = trusted ?? (await this.readAnew(service, id, lock));
    if (!state.record.lost) return state;
    // Its removal was cut off.
    if (lock) await removeUpload(service, state);
    throw errors.notFound();
  }

  private async readAnew(service: Service, id: string, lock: Lock | undefined): Promise<UploadState> {
    const read = await service.records.read(id, this.known.lastSeen(id));
    return new UploadState(service, read, isAtRest(read, lock), lock);
  }

  private uploadOf(service: Service, state: UploadState): S3Upload {
    const { id } = state.record.info;
    if (state.lock) this.known.remember(id, state);
    return new S3Upload(service, state, () => this.known.forget(id));
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

  /** The service, started before if nobody has called `init`. */
  private async serviceNow(): Promise<Service> {
    try {
      return await this.service();
    } catch (error) {
      throw errors.storageUnavailable(error);
    }
  }

  private service(): Promise<Service> {
    this.starting ??= this.start().catch((error: unknown) => {
      // Not for good: the next call tries again.
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  private async start(): Promise<Service> {
    const { bucket, keys, options, permits, budget, downloadUrls } = this;
    const records = await this.recordStore();
    await this.tryHeaders();
    return { bucket, keys, options, permits, budget, downloadUrls, records };
  }

  /** Headers that a function says are not known before there is an upload. */
  private async tryHeaders(): Promise<void> {
    const { object, objectPrefix } = this.options;
    if (typeof object === 'function' || Object.keys(object).length === 0) return;
    try {
      await probeHeaders(this.bucket, objectPrefix);
    } catch (error) {
      throw headersProblem(error, await endpointOf(this.client));
    }
  }

  private async recordStore(): Promise<RecordStore> {
    const { bucket, keys, options } = this;
    try {
      await bucket.list(options.objectPrefix, {}, 1);
      const writes =
        options.conditionalWrites ?? (await probeConditionalWrites(bucket, options.objectPrefix));
      if (writes === 'generations') return new GenerationRecords(bucket, keys);
      return new IfMatchRecords(bucket, keys, writes === 'if-match-bare');
    } catch (error) {
      throw startProblem(error, options.bucket, await endpointOf(this.client));
    }
  }
}

/**
 * True for an upload that is likely to be stored in one go: its record is written after its object. A client of the IETF draft learns the URL before it
 * has sent everything, and may ask another node for it.
 */
function mayWait(info: FileInfo, context: StoreContext, { partSize }: ResolvedOptions): boolean {
  if (!context.lock || !context.defer) return false;
  return !info.sizeIsDeferred && info.size <= partSize && info.protocol !== 'ietf' && !info.isFinal;
}

/** True when the holder before let go by itself, and had nothing under way when it committed last. */
function isAtRest({ record }: Versioned, lock: StoreContext['lock']): boolean {
  return lock?.previousToken !== undefined && !lock.seized && lock.previousToken === record.idleToken;
}
