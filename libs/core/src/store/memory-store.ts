import { errors } from '../errors.js';
import { type FileInfo, stateOf } from '../file-info.js';
import { copyFileInfo } from './copy-file-info.js';
import type {
  ConcatableUpload,
  ConcaterDataStore,
  DataStore,
  LengthDeclarableUpload,
  LengthDeferrerDataStore,
  ListerDataStore,
  ListFilter,
  ListPage,
  StoreContext,
  TerminatableUpload,
  TerminaterDataStore,
  UpdatableUpload,
  UpdaterDataStore,
  Upload,
  VerifiableUpload,
  VerifierDataStore,
} from './data-store.js';
import { MemoryUpload, type StoredUpload } from './memory-upload.js';
import { type StoreComposer, useStoreIn } from './store-composer.js';

/** Uploads on one page of `list` when the filter names no limit. */
const DEFAULT_PAGE = 100;

/**
 * Keeps uploads in the memory of this process, with every extension: for tests, and for what may be gone after a
 * restart. Nothing bounds its size but `maxSize` and expiration.
 *
 * @example
 * new MemoryStore().useIn(composer);
 */
export class MemoryStore
  implements
    DataStore,
    TerminaterDataStore,
    ConcaterDataStore,
    LengthDeferrerDataStore,
    VerifierDataStore,
    UpdaterDataStore,
    ListerDataStore
{
  private readonly uploads = new Map<string, StoredUpload>();
  private created = 0;

  /** Makes this the store of `composer`, with all its extensions. */
  useIn(composer: StoreComposer): void {
    useStoreIn(this, composer);
  }

  async newUpload(info: FileInfo, _context: StoreContext): Promise<Upload> {
    if (this.uploads.has(info.id)) throw errors.uploadExists();
    this.created += 1;
    const stored = MemoryUpload.empty({ ...copyFileInfo(info), offset: 0 }, this.created);
    this.uploads.set(info.id, stored);
    return this.uploadOf(stored);
  }

  async getUpload(id: string, _context: StoreContext): Promise<Upload> {
    const stored = this.uploads.get(id);
    if (stored === undefined) throw errors.notFound();
    return this.uploadOf(stored);
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

  /** Uploads in the order of their creation. */
  async list(filter: ListFilter, cursor?: string): Promise<ListPage> {
    const limit = Math.max(filter.limit ?? DEFAULT_PAGE, 1);
    const after = cursor === undefined ? 0 : Number(cursor);
    const found: StoredUpload[] = [];
    for (const stored of this.uploads.values()) {
      if (stored.position <= after || !matches(stored.info, filter)) continue;
      if (found.length === limit) return { uploads: infosOf(found), cursor: String(found.at(-1)?.position) };
      found.push(stored);
    }
    return { uploads: infosOf(found) };
  }

  private uploadOf(stored: StoredUpload): MemoryUpload {
    return new MemoryUpload(stored, () => this.uploads.delete(stored.info.id));
  }
}

function matches(info: FileInfo, filter: ListFilter): boolean {
  if (filter.state !== undefined && stateOf(info) !== filter.state) return false;
  if (filter.expiresBefore === undefined) return true;
  return info.expiresAt !== undefined && info.expiresAt < filter.expiresBefore;
}

function infosOf(found: readonly StoredUpload[]): FileInfo[] {
  return found.map(({ info }) => copyFileInfo(info));
}

function ownUpload(upload: Upload): MemoryUpload {
  if (upload instanceof MemoryUpload) return upload;
  throw new TypeError('This upload was not made by a MemoryStore.');
}
