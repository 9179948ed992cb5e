import { errors, type StoreContext } from '@nestjs-tus/core';
import type { Content } from './calls.js';
import { type Piece, planConcat, planEqualParts, type PlannedPart } from './concat-plan.js';
import { S3_MAX_SINGLE } from './limits.js';
import { putWhole } from './own-object.js';
import { nextPartSize } from './part-size.js';
import { isMissing } from './storage-error.js';
import { type StoredPart, sum } from './upload-record.js';
import type { Service, UploadState } from './upload-state.js';

/** An object whose content becomes a piece of another's. */
interface Source {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * Stores the content of `sources` as parts of an upload that has none. It is whole when its multipart upload is completed, or at once when it is
 * small. Parts of an attempt that failed stay uncounted, in a multipart upload of their own.
 * @throws HttpError `ERR_UPLOAD_NOT_FOUND` when a source is gone
 */
export async function concatenate(
  service: Service,
  state: UploadState,
  sources: readonly Source[],
  context: StoreContext,
): Promise<void> {
  try {
    await join(service, state, sources, context);
  } catch (error) {
    throw isMissing(error) ? errors.notFound(error) : error;
  }
}

async function join(
  service: Service,
  state: UploadState,
  sources: readonly Source[],
  context: StoreContext,
): Promise<void> {
  const { record } = state;
  const size = sum(sources);
  // An earlier attempt has stored all parts; it may even have completed them.
  if (record.multipart && sum(record.parts) === size) return;
  const info = { ...record.info, size, sizeIsDeferred: false };
  if (size <= service.options.partSize && (await putJoined(service, state, sources, size, context))) {
    return state.commitAtRest({ info, complete: true }, context);
  }
  const plan = planFor(service, sources, size);
  // An object of no bytes is a part of no bytes.
  if (plan.length === 0) plan.push({ kind: 'read', pieces: [], size: 0 });
  if (plan.length > service.options.maxParts) {
    throw errors.maxSizeExceeded(new Error(`${plan.length} parts are more than the service takes`));
  }
  const { multiparts, permits } = service;
  const multipart = await multiparts.begin(record, context.signal);
  const { id } = multipart;
  state.numberAnew();
  try {
    const parts = await inOrder(plan, service.options.concurrencyPerUpload, async (part, index) => {
      const number = index + 1;
      const etag = await permits.run(() =>
        part.kind === 'copy'
          ? multiparts.copyPart(record.key, id, number, part.piece, context.signal)
          : multiparts.uploadPart(
              record.key,
              id,
              number,
              contentOf(service, part.pieces, part.size),
              context.signal,
            ),
      );
      return { number, size: part.kind === 'copy' ? lengthOf(part.piece) : part.size, etag };
    });
    await state.commitAtRest({ info, parts, multipart }, context);
  } catch (error) {
    if (!state.mayHaveCommitted(error)) await multiparts.abort(record.key, id);
    throw error;
  }
}

async function putJoined(
  service: Service,
  { record }: UploadState,
  sources: readonly Source[],
  size: number,
  context: StoreContext,
): Promise<boolean> {
  const pieces = sources.flatMap((source) =>
    source.size > 0 ? [{ key: source.key, range: { start: 0, end: source.size - 1 } }] : [],
  );
  return putWhole(service, record, contentOf(service, pieces, size), context);
}

function planFor({ options }: Service, sources: readonly Source[], size: number): PlannedPart[] {
  if (!options.equalParts) {
    return planConcat(sources, { minPartSize: options.minPartSize, maxCopySize: S3_MAX_SINGLE });
  }
  const position = { stored: 0, length: size, nextNumber: 1, fixedSize: undefined };
  return planEqualParts(sources, nextPartSize(options, position));
}

function contentOf({ bucket }: Service, pieces: readonly Piece[], size: number): Content {
  if (size === 0) return Buffer.alloc(0);
  return {
    size,
    async *open() {
      for (const { key, range } of pieces) yield* await bucket.open(key, range);
    },
  };
}

/** Runs `work` for every item, `limit` at a time, and stops at the first failure; what is on its way then is waited for. */
async function inOrder<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<StoredPart>,
): Promise<StoredPart[]> {
  const results: StoredPart[] = [];
  const queue = items.entries();
  let failed = false;
  const worker = async () => {
    for (const [index, item] of queue) {
      if (failed) return;
      results[index] = await work(item, index).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: limit }, worker));
  const failure = settled.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  return results;
}

function lengthOf({ range }: Piece): number {
  return range.end - range.start + 1;
}
