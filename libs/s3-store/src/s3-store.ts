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
  Permits,
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
import { Calls } from './calls.js';
import { DownloadUrls } from './download-urls.js';
import { makeClient } from './client.js';
import { KnownUploads } from './known-uploads.js';
import { Multiparts } from './multiparts.js';
import type { ObjectHeaders } from './object-headers.js';
import { checkedHeaders } from './object-headers-problem.js';
import { isReservedId, ObjectKeys } from './object-keys.js';
import { openService, type Unopened } from './open-service.js';
import { type ResolvedOptions, resolveOptions, type S3StoreOptions } from './options.js';
import { RecordList } from './record-list.js';
import type { Versioned } from './record-store.js';
import { removeUpload } from './remove-upload.js';
import { failIfTooLarge, ownUpload, S3Upload } from './s3-upload.js';
import { storageError } from './storage-error.js';
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
  private readonly headersOf: (info: FileInfo) => ObjectHeaders;
  private readonly unopened: Unopened;
  private readonly known = new KnownUploads();
  /** Uploads whose record is written with their first bytes, by id. */
  private readonly pending = new Map<string, UploadState>();
  private starting: Promise<Service> | undefined;
  private listing: RecordList | undefined;

  /** @throws TypeError that says what to write instead */
  constructor(options: S3StoreOptions) {
    const resolved = resolveOptions(options);
    const { bucket, client, clientConfig = {}, requestTimeout, presignedDownloads } = resolved;
    this.ownsClient = client === undefined;
    this.client = client ?? makeClient(clientConfig, requestTimeout);
    this.headersOf = checkedHeaders(resolved.object);
    const calls = new Calls(bucket, this.client, requestTimeout, this.headersOf);
    this.unopened = {
      options: resolved,
      bucket: new Bucket(calls),
      multiparts: new Multiparts(calls),
      keys: new ObjectKeys(resolved.objectPrefix, resolved.key),
      permits: new Permits(resolved.concurrency),
      budget: new BufferBudget(resolved.maxBufferedBytes),
      downloadUrls: presignedDownloads && new DownloadUrls(bucket, this.client, presignedDownloads),
    };
  }

  /** Bytes of uploads that are in memory now, for metrics. */
  get bufferedBytes(): number {
    return this.unopened.budget.bytes;
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
      const object = service.keys.object(info);
      this.headersOf(info);
      if (this.pending.has(info.id)) throw errors.uploadExists();
      if (object.isChosen && (await service.bucket.exists(object.key))) throw errors.uploadExists();
      const record = newRecord(info, object);
      const state = new UploadState(service, { record, version: undefined }, true, context.lock);
      if (mayWait(info, context, service.options)) this.writeLater(state, context);
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
    const { records, bucket } = await this.serviceNow();
    this.listing ??= new RecordList(records, bucket.name);
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
    this.starting ??= openService(this.unopened, this.client).catch((error: unknown) => {
      // Not for good: the next call tries again.
      this.starting = undefined;
      throw error;
    });
    return this.starting;
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
