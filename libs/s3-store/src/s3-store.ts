import type { S3Client } from '@aws-sdk/client-s3';
import {
  type ConcatableUpload,
  type ConcaterDataStore,
  type DataStore,
  type FileInfo,
  type LengthDeclarableUpload,
  type LengthDeferrerDataStore,
  type ListerDataStore,
  type ListFilter,
  type ListPage,
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
import { ObjectStore } from '@nestjs-tus/object-storage';
import { resolveOptions, type S3StoreOptions } from './options.js';
import { Calls } from './service/calls.js';
import { makeClient } from './service/client.js';
import { DownloadUrls } from './service/download-urls.js';
import { checkedHeaders } from './service/object-headers-problem.js';
import { openService } from './service/open-service.js';

/** What makes a record this store's. */
const FORMAT = 'nestjs-tus/s3-store';

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
  private readonly store: ObjectStore;

  /** @throws TypeError that says what to write instead */
  constructor(given: S3StoreOptions) {
    const options = resolveOptions(given);
    const { bucket, client, clientConfig = {}, requestTimeout, presignedDownloads } = options;
    this.ownsClient = client === undefined;
    this.client = client ?? makeClient(clientConfig, requestTimeout);
    const calls = new Calls(bucket, this.client, requestTimeout, checkedHeaders(options.object));
    const urls = presignedDownloads && new DownloadUrls(bucket, this.client, presignedDownloads);
    this.store = new ObjectStore(() => openService(calls, options, urls), { ...options, format: FORMAT });
  }

  /** Bytes of uploads that are in memory now, for metrics. */
  get bufferedBytes(): number {
    return this.store.bufferedBytes;
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
    await this.store.init();
  }

  async close(): Promise<void> {
    if (this.ownsClient) this.client.destroy();
  }

  newUpload(info: FileInfo, context: StoreContext): Promise<Upload> {
    return this.store.newUpload(info, context);
  }

  getUpload(id: string, context: StoreContext): Promise<Upload> {
    return this.store.getUpload(id, context);
  }

  asTerminatableUpload(upload: Upload): TerminatableUpload {
    return this.store.asTerminatableUpload(upload);
  }

  asConcatableUpload(upload: Upload): ConcatableUpload {
    return this.store.asConcatableUpload(upload);
  }

  asLengthDeclarableUpload(upload: Upload): LengthDeclarableUpload {
    return this.store.asLengthDeclarableUpload(upload);
  }

  asVerifiableUpload(upload: Upload): VerifiableUpload {
    return this.store.asVerifiableUpload(upload);
  }

  asUpdatableUpload(upload: Upload): UpdatableUpload {
    return this.store.asUpdatableUpload(upload);
  }

  /** Uploads in the order of their keys. Looks at records only: an object without one is no upload. */
  list(filter: ListFilter, cursor?: string): Promise<ListPage> {
    return this.store.list(filter, cursor);
  }
}
