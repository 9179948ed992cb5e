import type { Part } from '../assembly.js';
import type { Json } from '../objects.js';
import type { RecordedSession, Tail, UploadRecord } from '../record/upload-record.js';
import { storedBeginning, type TailUnderWay, withCovered } from './tails.js';

/** A part on its way. */
export interface PartUnderWay {
  readonly number: number;
  /** Bytes. */
  readonly size: number;
  /** The tail objects whose bytes it begins with: they count until it is there. */
  readonly covers: readonly TailUnderWay[];
  readonly landed: Promise<void>;
  /** Once it is there. */
  piece?: Json;
}

/** What an operation has stored, and what is on its way. */
export interface Underway {
  /** The parts that counted before. */
  readonly before: readonly Part[];
  readonly added: readonly PartUnderWay[];
  readonly tails: readonly TailUnderWay[];
  /** Keys of all tail objects that counted before or were written since. */
  readonly tailKeys: ReadonlySet<string>;
  readonly session: RecordedSession | undefined;
  /** True when nothing goes on its way any more. */
  readonly hasFailed: boolean;
}

/** What of a record a commit changes. */
export type Progress = Pick<UploadRecord, 'parts' | 'tails' | 'garbage' | 'session'>;

/** The contiguous beginning of what is stored, and the tail objects that this makes superfluous. */
export function progressOf(record: UploadRecord, underway: Underway): Progress {
  const parts = [...underway.before];
  let tails: Tail[] | undefined;
  for (const { number, size, piece, covers } of underway.added) {
    if (piece === undefined) {
      tails = storedBeginning(covers);
      break;
    }
    parts.push({ number, size, piece });
  }
  tails ??= storedBeginning(underway.tails);
  const counted = new Set(tails.map(({ key }) => key));
  const needed = neededTails(underway);
  const replaced = [...underway.tailKeys].filter((key) => !counted.has(key) && !needed.has(key));
  const garbage = [...new Set([...record.garbage, ...replaced])];
  return { parts, tails, garbage, session: underway.session };
}

/** True when a commit of `progress` would say something that the record does not say. */
export function isNews(record: UploadRecord, { parts, tails, session }: Progress): boolean {
  return (
    parts.length !== record.parts.length ||
    keysOf(tails) !== keysOf(record.tails) ||
    session?.attempt !== record.session?.attempt
  );
}

/** Keys of the tail objects that something on its way is made of, or that are on their way themselves. */
function neededTails({ added, tails, hasFailed }: Underway): Set<string> {
  if (hasFailed) return new Set();
  const onTheirWay = added.filter(({ piece }) => piece === undefined).flatMap(({ covers }) => covers);
  return new Set([...onTheirWay, ...tails].flatMap(withCovered).map(({ key }) => key));
}

function keysOf(tails: readonly Tail[]): string {
  return tails.map(({ key }) => key).join();
}
