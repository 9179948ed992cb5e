import type { Lock } from '@nestjs-tus/core';
import { type Call, inContext, type Node, sourceOf } from './s3-fixture.js';

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

/** Holds the first call that `matches`, as SIGSTOP would hold its process. */
export function pauseAt(node: Node, matches: (call: Call) => boolean) {
  let wake = (): void => undefined;
  const paused = new Promise<void>((resolve) => {
    let isPaused = false;
    node.interfere(async (call, send) => {
      if (isPaused || !matches(call)) return send();
      isPaused = true;
      resolve();
      await new Promise<void>((go) => (wake = go));
      return send();
    });
  });
  return { paused, wake: () => wake() };
}

/** A PATCH under a lock that is held: @returns bytes kept */
export function appendUnder(
  lock: Lock,
  { store }: Node,
  id: string,
  offset: number,
  content: Buffer,
): Promise<number> {
  return inContext(lock, async (context) => {
    const upload = await store.getUpload(id, context);
    const kept = await upload.writeChunk(offset, sourceOf(content), context);
    const info = await upload.getInfo(context);
    if (info.offset === info.size) await upload.finishUpload(context);
    return kept;
  });
}

/** A HEAD under a lock that is held: @returns the offset */
export function offsetUnder(lock: Lock, { store }: Node, id: string): Promise<number> {
  return inContext(lock, async (context) => {
    const upload = await store.getUpload(id, context);
    return (await upload.getInfo(context)).offset;
  });
}
