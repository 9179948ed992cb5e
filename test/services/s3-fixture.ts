import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { type FileInfo, type Lock, MemoryLocker, type StoreContext, type Upload } from '@nestjs-tus/core';
import { S3Store, type S3StoreOptions } from '@nestjs-tus/s3-store';
import type { Ceph } from './ceph.js';

export const MIB = 1024 * 1024;

/** What stands between a client and the service: sees every call, and may fail it before or after it reaches the service. */
export type Interference = (call: Call, send: () => Promise<unknown>) => Promise<unknown>;

export interface Call {
  /** e.g. `UploadPart`. */
  readonly name: string;
  readonly input: { readonly Key?: string; readonly PartNumber?: number };
}

/** A node: a store with a client of its own, whose calls can be counted and disturbed. */
export class Node {
  /** The calls since the last look, in order. */
  private calls: string[] = [];
  private interference: Interference = (_call, send) => send();
  readonly store: S3Store;

  constructor(ceph: Ceph, options: S3StoreOptions, clientConfig: S3ClientConfig = {}) {
    const client = new S3Client({
      ...ceph.clientConfig(),
      maxAttempts: 2,
      logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      requestHandler: { throwOnRequestTimeout: true, connectionTimeout: 1_000, socketTimeout: 0 },
      ...clientConfig,
    });
    client.middlewareStack.add(
      (next, { commandName = '' }) =>
        async (args) => {
          const name = commandName.replace(/Command$/, '');
          this.calls.push(name);
          return (await this.interference({ name, input: args.input as Call['input'] }, () =>
            next(args),
          )) as never;
        },
      { step: 'initialize' },
    );
    this.store = new S3Store({ partSize: 5 * MIB, ...options, client });
  }

  /** The calls since the last time this was asked. */
  takeCalls(): string[] {
    const { calls } = this;
    this.calls = [];
    return calls;
  }

  interfere(interference: Interference): void {
    this.interference = interference;
  }

  leaveAlone(): void {
    this.interference = (_call, send) => send();
  }
}

/** An error as the service gives it when it has trouble, after all attempts. */
export function internalError(): Error {
  return Object.assign(new Error('injected'), { name: 'TimeoutError' });
}

function nothing(): void {
  // The SDK's remarks on calls that fail on purpose.
}

export function newInfo(fields: Partial<FileInfo> = {}): FileInfo {
  return {
    id: randomBytes(8).toString('hex'),
    size: 0,
    sizeIsDeferred: false,
    offset: 0,
    metaData: {},
    isPartial: false,
    isFinal: false,
    partialUploads: [],
    ...fields,
  };
}

/** What the engine does around each operation: holds the lock, and does what was deferred before it lets go. */
export class Operations {
  constructor(readonly locker = new MemoryLocker()) {}

  async run<T>(id: string, work: (context: StoreContext) => Promise<T>): Promise<T> {
    const lock = this.locker.newLock(id);
    await lock.lock(AbortSignal.timeout(60_000), () => undefined);
    try {
      return await inContext(lock, work);
    } finally {
      await lock.unlock();
    }
  }

  /** A PATCH: @returns the offset after it */
  append({ store }: Node, id: string, offset: number, content: Buffer | Readable): Promise<number> {
    return this.run(id, async (context) => {
      const upload = await store.getUpload(id, context);
      const info = await upload.getInfo(context);
      const source = Buffer.isBuffer(content) ? sourceOf(content) : content;
      const kept = await upload.writeChunk(offset, source, context);
      if (!info.sizeIsDeferred && offset + kept === info.size) await upload.finishUpload(context);
      return offset + kept;
    });
  }

  /** A HEAD. */
  info({ store }: Node, id: string): Promise<FileInfo> {
    return this.run(id, async (context) => (await store.getUpload(id, context)).getInfo(context));
  }

  /** A POST without content, which takes no lock. */
  async create({ store }: Node, fields: Partial<FileInfo>): Promise<string> {
    const info = newInfo(fields);
    return inContext(undefined, async (context) => {
      const upload = await store.newUpload(info, context);
      return (await upload.getInfo(context)).id;
    });
  }

  /** A POST with content. */
  async createWith({ store }: Node, content: Buffer, fields: Partial<FileInfo> = {}): Promise<string> {
    const info = newInfo({ size: content.length, ...fields });
    return this.run(info.id, async (context) => {
      const upload = await store.newUpload(info, context);
      await upload.getInfo(context);
      const kept = await upload.writeChunk(0, sourceOf(content), context);
      if (kept === info.size && !info.sizeIsDeferred) await upload.finishUpload(context);
      return info.id;
    });
  }
}

export async function inContext<T>(
  lock: Lock | undefined,
  work: (context: StoreContext) => Promise<T>,
): Promise<T> {
  const deferred: (() => void | Promise<void>)[] = [];
  try {
    return await work({ lock, signal: lock?.lost, defer: (task) => void deferred.push(task) });
  } finally {
    for (const task of deferred.reverse()) await task();
  }
}

/** A source that gives `content` in pieces as a socket does. */
export function sourceOf(content: Buffer, pieceSize = 64 * 1024): Readable {
  return Readable.from(
    (function* () {
      for (let start = 0; start < content.length; start += pieceSize) {
        yield content.subarray(start, start + pieceSize);
      }
    })(),
    { objectMode: false },
  );
}

export async function contentOf({ store }: Node, id: string): Promise<Buffer> {
  const upload: Upload = await store.getUpload(id, {});
  return buffer(await upload.getReader({}));
}
