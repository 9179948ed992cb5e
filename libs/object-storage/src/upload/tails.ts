import type { Content, Objects } from '../objects.js';
import { Missing } from '../problems.js';
import { sum, type Tail } from '../record/upload-record.js';
import { LostContent } from './lost-content.js';

/** A tail object, perhaps on its way. */
export interface TailUnderWay extends Tail {
  /** The tail objects whose bytes it has instead: they count until it is there. */
  readonly covers: readonly TailUnderWay[];
  readonly landed: Promise<void>;
  isStored: boolean;
}

/** A tail object that a record names. */
export function storedTail(tail: Tail): TailUnderWay {
  return { ...tail, covers: [], landed: Promise.resolve(), isStored: true };
}

/** The tail objects that are there, up to the first one that is not; what that one was made of stands in for it. */
export function storedBeginning(tails: readonly TailUnderWay[]): Tail[] {
  const stored: Tail[] = [];
  for (const { key, size, isStored, covers } of tails) {
    if (!isStored) return [...stored, ...storedBeginning(covers)];
    stored.push({ key, size });
  }
  return stored;
}

/** A tail object, and those that it needs while it is on its way. */
export function withCovered(tail: TailUnderWay): TailUnderWay[] {
  return tail.isStored ? [tail] : [tail, ...tail.covers.flatMap(withCovered)];
}

/** What tail objects hold, then `bytes`. */
export function contentOf(tails: readonly Tail[], bytes: Buffer, objects: Objects): Content {
  if (tails.length === 0) return bytes;
  return {
    size: sum(tails) + bytes.length,
    async *open() {
      for (const tail of tails) yield* await openTail(objects, tail);
      if (bytes.length > 0) yield bytes;
    },
  };
}

async function openTail(objects: Objects, { key, size }: Tail): Promise<AsyncIterable<Uint8Array>> {
  try {
    return await objects.open(key, { start: 0, end: size - 1 });
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    throw new LostContent(`the tail object ${key} is gone`, { cause: error });
  }
}
