import type { Bucket } from './bucket.js';
import type { Content } from './calls.js';
import { LostContent } from './lost-content.js';
import { isMissing } from './storage-error.js';
import { type Segment, sum } from './upload-record.js';
import type { Service } from './upload-state.js';

/** A tail object, perhaps on its way. */
export interface TailSegment extends Segment {
  /** The tail objects whose bytes it has instead: they count until it is there. */
  readonly covers: readonly TailSegment[];
  readonly landed: Promise<void>;
  isStored: boolean;
}

/** The tail objects that are there, up to the first one that is not; what that one was made of stands in for it. */
export function storedBeginning(segments: readonly TailSegment[]): Segment[] {
  const stored: Segment[] = [];
  for (const { key, size, isStored, covers } of segments) {
    if (!isStored) return [...stored, ...storedBeginning(covers)];
    stored.push({ key, size });
  }
  return stored;
}

/** A tail object, and those that it needs while it is on its way. */
export function withCovered(segment: TailSegment): TailSegment[] {
  return segment.isStored ? [segment] : [segment, ...segment.covers.flatMap(withCovered)];
}

/** What tail objects hold, then `bytes`. */
export function contentOf(segments: readonly Segment[], bytes: Buffer, { bucket }: Service): Content {
  if (segments.length === 0) return bytes;
  return {
    size: sum(segments) + bytes.length,
    async *open() {
      for (const segment of segments) yield* await openTail(bucket, segment);
      if (bytes.length > 0) yield bytes;
    },
  };
}

async function openTail(bucket: Bucket, { key, size }: Segment): Promise<AsyncIterable<Uint8Array>> {
  try {
    return await bucket.open(key, { start: 0, end: size - 1 });
  } catch (error) {
    throw isMissing(error) ? new LostContent(`the tail object ${key} is gone`, { cause: error }) : error;
  }
}
