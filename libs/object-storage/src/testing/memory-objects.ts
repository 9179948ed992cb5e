import type { ByteRange } from '@nestjs-tus/core';
import type {
  Content,
  HeadOfObject,
  ListedKeys,
  ListPosition,
  Objects,
  PutOptions,
  Version,
} from '../objects.js';
import { Changed } from '../problems.js';
import { bytesOf, failIfAborted, type NodeCall } from './memory-call.js';
import type { StoredObjects } from './stored-objects.js';

/** So many chunks a reader gets of an object. */
const CHUNKS = 3;

/** The objects of a MemoryBucket, as one process sees them. */
export class MemoryObjects implements Objects {
  readonly location = { type: 'memory' };
  readonly limits = { maxKey: 1_024 };

  constructor(
    private readonly stored: StoredObjects,
    private readonly call: NodeCall,
    readonly conditions: Objects['conditions'],
    private readonly pageSize: number,
  ) {}

  put(key: string, content: Content | string, options: PutOptions = {}): Promise<Version> {
    const { unless, ifVersion, owner, signal } = options;
    return this.call('put', key, async () => {
      failIfAborted(signal);
      const bytes = await bytesOf(content);
      failIfAborted(signal);
      const isRefused =
        (unless === 'exists' && this.stored.has(key)) ||
        (ifVersion !== undefined && this.stored.find(key).version !== ifVersion);
      if (isRefused) throw new Changed(new Error(`the condition for ${key} is false`));
      return this.stored.set(key, bytes, owner?.attempt);
    });
  }

  read(key: string, known?: Version): Promise<{ text: string; version: Version } | 'unchanged'> {
    return this.call('read', key, async () => {
      const { bytes, version } = this.stored.find(key);
      return version === known ? 'unchanged' : { text: bytes.toString(), version };
    });
  }

  open(key: string, { start, end }: ByteRange): Promise<AsyncIterableIterator<Uint8Array, void>> {
    return this.call('open', key, async () => {
      const { bytes } = this.stored.find(key);
      return chunksOf(bytes.subarray(start, end + 1), end - start + 1);
    });
  }

  head(key: string): Promise<HeadOfObject | undefined> {
    return this.call('head', key, async () => {
      if (!this.stored.has(key)) return undefined;
      const { bytes, attempt } = this.stored.find(key);
      return { size: bytes.length, attempt };
    });
  }

  remove(key: string): Promise<void> {
    return this.call('remove', key, async () => this.stored.delete(key));
  }

  list(prefix: string, from: ListPosition, limit = this.pageSize): Promise<ListedKeys> {
    return this.call('list', prefix, async () => this.stored.list(prefix, from, limit));
  }
}

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = Math.ceil(bytes.length / CHUNKS);
  for (let start = 0; start < bytes.length; start += chunk) yield bytes.subarray(start, start + chunk);
  if (bytes.length < size) throw new Error(`the object ended after ${bytes.length} of ${size} bytes`);
}
