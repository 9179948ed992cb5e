import { Readable } from 'node:stream';
import { type ByteRange, errors } from '@nestjs-tus/core';
import type { ObjectRange } from '../assembly.js';
import type { Objects } from '../objects.js';
import { Missing } from '../problems.js';
import { offsetOf, type UploadRecord } from '../record/upload-record.js';
import { StoredContent } from './stored-content.js';

/**
 * Streams the content of an upload, or a range of it: its object, or the tail objects of one that has no parts yet.
 * @throws HttpError `ERR_INCOMPLETE_UPLOAD` while there are parts, which cannot be read; `ERR_UPLOAD_NOT_FOUND` when the object is gone
 */
export async function openContent(
  objects: Objects,
  record: UploadRecord,
  range: ByteRange | undefined,
): Promise<Readable> {
  if (!record.complete && record.parts.length > 0) throw errors.incompleteUpload();
  const size = offsetOf(record);
  const wanted = { start: range?.start ?? 0, end: Math.min(range?.end ?? size - 1, size - 1) };
  const stored = record.complete ? [{ key: record.key, size }] : record.tails;
  const [first, ...others] = rangesOf(stored, wanted);
  if (!first) return Readable.from([], { objectMode: false });
  try {
    // Opened before anything is answered: afterwards no client could learn that it is gone.
    const body = await objects.open(first.key, first.range);
    return new StoredContent(body, async () => {
      const next = others.shift();
      return next && objects.open(next.key, next.range);
    });
  } catch (error) {
    throw error instanceof Missing ? errors.notFound(error) : error;
  }
}

/** The ranges of several objects, one after the other, that a range of them all consists of. */
function rangesOf(
  stored: readonly { readonly key: string; readonly size: number }[],
  { start, end }: ByteRange,
): ObjectRange[] {
  const ranges: ObjectRange[] = [];
  let before = 0;
  for (const { key, size } of stored) {
    const range = { start: Math.max(start - before, 0), end: Math.min(end - before, size - 1) };
    if (range.start <= range.end) ranges.push({ key, range });
    before += size;
  }
  return ranges;
}
