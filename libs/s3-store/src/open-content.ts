import { Readable } from 'node:stream';
import { type ByteRange, errors } from '@nestjs-tus/core';
import type { Piece } from './concat-plan.js';
import { isMissing } from './storage-error.js';
import { StoredContent } from './stored-content.js';
import { offsetOf, type UploadRecord } from './upload-record.js';
import type { Service } from './upload-state.js';

/**
 * Streams the content of an upload, or a range of it: its object, or the tail objects of one that has no parts yet.
 * @throws HttpError `ERR_INCOMPLETE_UPLOAD` while there are parts, which cannot be read; `ERR_UPLOAD_NOT_FOUND` when the object is gone
 */
export async function openContent(
  service: Service,
  record: UploadRecord,
  range: ByteRange | undefined,
): Promise<Readable> {
  if (!record.complete && record.parts.length > 0) throw errors.incompleteUpload();
  const size = offsetOf(record);
  const wanted = { start: range?.start ?? 0, end: Math.min(range?.end ?? size - 1, size - 1) };
  const objects = record.complete ? [{ key: record.key, size }] : record.segments;
  const [first, ...others] = piecesOf(objects, wanted);
  if (!first) return Readable.from([], { objectMode: false });
  try {
    // Opened before anything is answered: afterwards nobody could be told that it is gone.
    const body = await service.bucket.open(first.key, first.range);
    return new StoredContent(body, async () => {
      const next = others.shift();
      return next && service.bucket.open(next.key, next.range);
    });
  } catch (error) {
    throw isMissing(error) ? errors.notFound(error) : error;
  }
}

/** The parts of several objects, one after the other, that a range of them all consists of. */
function piecesOf(
  objects: readonly { readonly key: string; readonly size: number }[],
  { start, end }: ByteRange,
): Piece[] {
  const pieces: Piece[] = [];
  let before = 0;
  for (const { key, size } of objects) {
    const range = { start: Math.max(start - before, 0), end: Math.min(end - before, size - 1) };
    if (range.start <= range.end) pieces.push({ key, range });
    before += size;
  }
  return pieces;
}
