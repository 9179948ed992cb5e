import { storedBeginning, type TailSegment, withCovered } from './tail-segments.js';
import type { Multipart, Segment, StoredPart, UploadRecord } from './upload-record.js';

/** A part on its way. */
export interface Flight {
  readonly number: number;
  /** Bytes. */
  readonly size: number;
  /** The tail objects whose bytes it begins with: they count until it is there. */
  readonly covers: readonly TailSegment[];
  readonly landed: Promise<void>;
  /** Once it is there. */
  etag?: string;
}

/** What an operation has stored, and what is on its way. */
export interface Underway {
  /** The parts that counted before. */
  readonly before: readonly StoredPart[];
  readonly flights: readonly Flight[];
  readonly tail: readonly TailSegment[];
  /** Keys of all tail objects that counted before or were written since. */
  readonly tailKeys: ReadonlySet<string>;
  readonly multipart: Multipart | undefined;
  /** True when nothing goes on its way any more. */
  readonly hasFailed: boolean;
}

/** What of a record a commit changes. */
export type Progress = Pick<UploadRecord, 'parts' | 'segments' | 'garbage' | 'multipart'>;

/** The contiguous beginning of what is stored, and the tail objects that this makes superfluous. */
export function progressOf(record: UploadRecord, underway: Underway): Progress {
  const parts = [...underway.before];
  let segments: Segment[] | undefined;
  for (const { number, size, etag, covers } of underway.flights) {
    if (etag === undefined) {
      segments = storedBeginning(covers);
      break;
    }
    parts.push({ number, size, etag });
  }
  segments ??= storedBeginning(underway.tail);
  const kept = new Set(segments.map(({ key }) => key));
  const needed = neededTails(underway);
  const replaced = [...underway.tailKeys].filter((key) => !kept.has(key) && !needed.has(key));
  const garbage = [...new Set([...record.garbage, ...replaced])];
  return { parts, segments, garbage, multipart: underway.multipart };
}

/** True when a commit of `progress` would say something that the record does not say. */
export function isNews(record: UploadRecord, { parts, segments, multipart }: Progress): boolean {
  return (
    parts.length !== record.parts.length ||
    keysOf(segments) !== keysOf(record.segments) ||
    multipart?.id !== record.multipart?.id
  );
}

/** Keys of the tail objects that something on its way is made of, or that are on their way themselves. */
function neededTails({ flights, tail, hasFailed }: Underway): Set<string> {
  if (hasFailed) return new Set();
  const airborne = flights.filter(({ etag }) => etag === undefined).flatMap(({ covers }) => covers);
  return new Set([...airborne, ...tail].flatMap(withCovered).map(({ key }) => key));
}

function keysOf(segments: readonly Segment[]): string {
  return segments.map(({ key }) => key).join();
}
