import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { FileInfo, Lock, StoreContext } from '@nestjs-tus/core';
import type { ObjectStore } from '../object-store.js';
import type { MemoryBucket, MemoryNode } from './memory-bucket.js';
import type { MemoryCall } from './memory-call.js';

/** A lock that is held; `seized` when the holder before did not let go. */
export function heldLock(token: string, previousToken?: string, seized = false): Lock {
  return {
    token,
    previousToken,
    seized,
    lock: async () => undefined,
    tryLock: async () => true,
    unlock: async () => undefined,
  };
}

/** What the engine does around an operation: does what was deferred before the lock is let go. */
export async function under<T>(
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

/** A POST without content: @returns the id */
export async function created(store: ObjectStore, fields: Partial<FileInfo>): Promise<string> {
  const id = randomBytes(4).toString('hex');
  const flags = { sizeIsDeferred: false, isPartial: false, isFinal: false };
  const info: FileInfo = { id, size: 0, offset: 0, metaData: {}, partialUploads: [], ...flags, ...fields };
  await under(undefined, (context) => store.newUpload(info, context));
  return info.id;
}

/** Adds `content` to an upload whose content it is from its offset on, and finishes the upload when that is all. @returns the offset */
export function appended(store: ObjectStore, id: string, content: Buffer, lock: Lock): Promise<number> {
  return under(lock, async (context) => {
    const upload = await store.getUpload(id, context);
    const { offset, size } = await upload.getInfo(context);
    const bytes = content.subarray(offset);
    const written = bytes.length > 0 ? await upload.writeChunk(offset, sourceOf(bytes), context) : 0;
    if (offset + written === size) await upload.finishUpload(context);
    return offset + written;
  });
}

export function removed(store: ObjectStore, id: string, lock: Lock): Promise<void> {
  return under(lock, async (context) => {
    await store.asTerminatableUpload(await store.getUpload(id, context)).terminate(context);
  });
}

export async function textOf(store: ObjectStore, id: string): Promise<string> {
  const upload = await store.getUpload(id, {});
  return (await buffer(await upload.getReader({}))).toString();
}

/** `content` in pieces of three bytes. */
export function sourceOf(content: Buffer): Readable {
  return Readable.from(
    (function* () {
      for (let start = 0; start < content.length; start += 3) yield content.subarray(start, start + 3);
    })(),
    { objectMode: false },
  );
}

/** Tail objects that are in the bucket. */
export function tailsIn(bucket: MemoryBucket): string[] {
  return bucket.keys().filter((key) => key.includes('.tail-'));
}

/** Runs `work` on a node that dies when its call number `at` is done, its answer unheard. False when there are not so many calls. */
export async function diesAfter(
  node: MemoryNode,
  at: number,
  work: () => Promise<unknown>,
): Promise<boolean> {
  const never = new Promise<never>(() => undefined);
  let calls = 0;
  let isDead = false;
  let die = (): void => undefined;
  const dead = new Promise<true>((resolve) => (die = () => resolve(true)));
  node.interfere(async (_call, send) => {
    calls += 1;
    if (isDead) return never;
    // Storing a part may read its tails: those are calls of their own, before this one is done.
    if (calls !== at) return send();
    await send().catch(() => undefined);
    isDead = true;
    die();
    return never;
  });
  return Promise.race([dead, work().then(() => false)]);
}

/** Holds the call number `at` of a node, as SIGSTOP would hold its process; other calls that it makes go on waiting, too. */
export function sleepsBefore(node: MemoryNode, at: number): { asleep: Promise<true>; wake(): void } {
  let wake = (): void => undefined;
  let calls = 0;
  const awake = new Promise<void>((resolve) => (wake = resolve));
  const asleep = new Promise<true>((resolve) => {
    node.interfere(async (_call: MemoryCall, send) => {
      calls += 1;
      if (calls === at) resolve(true);
      if (calls >= at) await awake;
      return send();
    });
  });
  return { asleep, wake: () => wake() };
}
