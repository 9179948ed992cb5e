import { Readable } from 'node:stream';
import { errors } from '../errors.js';
import type { FileInfo } from '../file-info.js';
import { copyFileInfo, copyValue } from './copy-file-info.js';
import type {
  ByteRange,
  ConcatableUpload,
  FileInfoUpdate,
  LengthDeclarableUpload,
  StoreContext,
  TerminatableUpload,
  UpdatableUpload,
  Upload,
  VerifiableUpload,
} from './data-store.js';
import { MemoryContent } from './memory-content.js';

/** What a MemoryStore keeps of an upload. Bytes of `content` from `info.offset` on do not count. */
export interface StoredUpload {
  info: FileInfo;
  content: MemoryContent;
  terminated: boolean;
  /** Its number in the order of creation. */
  readonly position: number;
}

/** An upload in a MemoryStore, and all that its extensions can do with it. */
export class MemoryUpload
  implements
    Upload,
    TerminatableUpload,
    ConcatableUpload,
    LengthDeclarableUpload,
    VerifiableUpload,
    UpdatableUpload
{
  static empty(info: FileInfo, position: number): StoredUpload {
    return { info, content: new MemoryContent(), terminated: false, position };
  }

  constructor(
    private readonly stored: StoredUpload,
    private readonly remove: () => void,
  ) {}

  async writeChunk(offset: number, source: Readable, context: StoreContext): Promise<number> {
    const stored = this.writable(offset);
    const { length } = await this.receive(offset, source, context, (end) => {
      stored.info.offset = end;
    });
    return length;
  }

  async writeVerifiedChunk(
    offset: number,
    source: Readable,
    verify: () => Promise<void>,
    context: StoreContext,
  ): Promise<number> {
    const stored = this.writable(offset);
    const { length, whole } = await this.receive(offset, source, context, () => undefined);
    try {
      if (!whole) return 0;
      await verify();
      // The lock may have been lost during the verification.
      if (context.signal?.aborted) return 0;
      stored.info.offset = offset + length;
      return length;
    } finally {
      stored.content.truncate(stored.info.offset);
    }
  }

  async getInfo(_context: StoreContext): Promise<FileInfo> {
    return copyFileInfo(this.existing().info);
  }

  async getReader(_context: StoreContext, range?: ByteRange): Promise<Readable> {
    const { info, content } = this.existing();
    const start = range?.start ?? 0;
    const end = Math.min(range === undefined ? info.offset : range.end + 1, info.offset);
    return Readable.from(content.read(start, end), { objectMode: false });
  }

  async finishUpload(_context: StoreContext): Promise<void> {
    this.existing();
  }

  async terminate(_context: StoreContext): Promise<void> {
    const stored = this.existing();
    stored.terminated = true;
    this.remove();
  }

  async concatUploads(partialUploads: Upload[], context: StoreContext): Promise<void> {
    const joined = new MemoryContent();
    for (const partial of partialUploads) {
      for await (const chunk of await partial.getReader(context)) joined.append(bytesOf(chunk));
    }
    const stored = this.existing();
    context.signal?.throwIfAborted();
    stored.content = joined;
    stored.info.offset = joined.length;
  }

  async declareLength(length: number, _context: StoreContext): Promise<void> {
    const { info } = this.existing();
    info.size = length;
    info.sizeIsDeferred = false;
  }

  async update(changes: FileInfoUpdate, _context: StoreContext): Promise<void> {
    const stored = this.existing();
    const info: FileInfo = { ...stored.info, ...withoutUndefined(copyValue(changes)) };
    if (changes.expiresAt === null) delete info.expiresAt;
    if (changes.context === null) delete info.context;
    if (changes.untold === false) delete info.untold;
    stored.info = info;
  }

  /** Appends what the source gives until it ends, breaks, or the operation loses its lock. */
  private async receive(
    offset: number,
    source: Readable,
    context: StoreContext,
    onProgress: (end: number) => void,
  ): Promise<{ length: number; whole: boolean }> {
    const { content } = this.stored;
    const arrival = { whole: false };
    let end = offset;
    for await (const bytes of arriving(source, arrival)) {
      // Somebody else may have written meanwhile, where an operation was started without a lock.
      if (context.signal?.aborted || content.length !== end) break;
      content.append(bytes);
      end = content.length;
      onProgress(end);
    }
    return { length: end - offset, whole: arrival.whole };
  }

  private writable(offset: number): StoredUpload {
    const stored = this.existing();
    if (offset !== stored.info.offset) throw errors.mismatchOffset(stored.info.offset);
    stored.content.truncate(offset);
    return stored;
  }

  private existing(): StoredUpload {
    if (this.stored.terminated) throw errors.notFound();
    return this.stored;
  }
}

function withoutUndefined(changes: FileInfoUpdate): Partial<FileInfo> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

/**
 * The bytes of a source until it ends or breaks. How it broke is not the store's affair: whoever made the source knows
 * it, and the bytes that came count. An error in the loop that reads this does not end up here.
 */
async function* arriving(
  source: Readable,
  arrival: { whole: boolean },
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of source) yield bytesOf(chunk);
    arrival.whole = true;
  } catch {
    arrival.whole = false;
  }
}

/** A stream in object mode (`Readable.from(['text'])`) gives text. */
function bytesOf(chunk: unknown): Uint8Array {
  return chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk));
}
