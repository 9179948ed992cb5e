import { errors, type StoreContext } from '@nestjs-tus/core';
import type { ObjectRange, Part, Target } from '../assembly.js';
import type { Content, Objects } from '../objects.js';
import { Missing } from '../problems.js';
import { sum } from '../record/upload-record.js';
import { planConcat, planEqualParts, type PlannedPart } from './concat-plan.js';
import { putWhole } from './own-object.js';
import { nextPartSize } from './part-size.js';
import { openSession, targetOf } from './sessions.js';
import type { Storage } from './storage.js';
import type { UploadState } from './upload-state.js';

/** An object whose content becomes a piece of another's. */
interface Source {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * Stores the content of `sources` as parts of an upload that has none. It is whole when its session is completed, or at once when it is
 * small. Parts of an attempt that failed stay uncounted, in a session of their own.
 * @throws HttpError `ERR_UPLOAD_NOT_FOUND` when a source is gone
 */
export async function concatenate(
  storage: Storage,
  state: UploadState,
  sources: readonly Source[],
  context: StoreContext,
): Promise<void> {
  try {
    await join(storage, state, sources, context);
  } catch (error) {
    throw error instanceof Missing ? errors.notFound(error) : error;
  }
}

async function join(
  storage: Storage,
  state: UploadState,
  sources: readonly Source[],
  context: StoreContext,
): Promise<void> {
  const { record } = state;
  const size = sum(sources);
  // An earlier attempt has stored all parts; it may even have completed them.
  if (record.session && sum(record.parts) === size) return;
  const info = { ...record.info, size, sizeIsDeferred: false };
  if (size <= storage.sizing.partSize) {
    const content = contentOf(storage.objects, rangesOf(sources), size);
    if (await putWhole(storage, record, content, context)) {
      return state.commitAtRest({ info, complete: true }, context);
    }
  }
  const plan = planFor(storage, sources, size);
  const session = await openSession(storage, record, context.signal);
  const target = targetOf(record, session);
  state.numberAnew();
  try {
    const parts = await inOrder(plan, storage.concurrencyPerUpload, (part, index) =>
      storage.permits.run(() => storePlanned(storage, target, { part, number: index + 1 }, context)),
    );
    await state.commitAtRest({ info, parts, session }, context);
  } catch (error) {
    if (!state.mayHaveCommitted(error)) await storage.assembly.discard(target, []);
    throw error;
  }
}

async function storePlanned(
  { assembly, objects }: Storage,
  target: Target,
  { part, number }: { readonly part: PlannedPart; readonly number: number },
  { signal }: StoreContext,
): Promise<Part> {
  if (part.kind === 'copy' && assembly.copy) {
    const piece = await assembly.copy(target, number, part.source, signal);
    return { number, size: lengthOf(part.source), piece };
  }
  const [ranges, size] =
    part.kind === 'copy' ? [[part.source], lengthOf(part.source)] : [part.sources, part.size];
  const piece = await assembly.store(target, number, contentOf(objects, ranges, size), signal);
  return { number, size, piece };
}

/** @throws HttpError `ERR_MAX_SIZE_EXCEEDED` */
function planFor({ assembly, sizing }: Storage, sources: readonly Source[], size: number): PlannedPart[] {
  const position = { stored: 0, length: size, nextNumber: 1, fixedSize: undefined };
  const plan =
    assembly.copy && !sizing.equal
      ? planConcat(sources, assembly.rules)
      : planEqualParts(sources, nextPartSize(sizing, position));
  // An object of no bytes is a part of no bytes.
  if (plan.length === 0) plan.push({ kind: 'read', sources: [], size: 0 });
  if (plan.length <= sizing.maxPieces) return plan;
  throw errors.maxSizeExceeded(new Error(`${plan.length} parts are more than the service takes`));
}

function rangesOf(sources: readonly Source[]): ObjectRange[] {
  return sources.flatMap(({ key, size }) => (size > 0 ? [{ key, range: { start: 0, end: size - 1 } }] : []));
}

function contentOf(objects: Objects, ranges: readonly ObjectRange[], size: number): Content {
  if (size === 0) return Buffer.alloc(0);
  return {
    size,
    async *open() {
      for (const { key, range } of ranges) yield* await objects.open(key, range);
    },
  };
}

/** Runs `work` for every item, `limit` at a time, and stops at the first failure; what is on its way then is waited for. */
async function inOrder<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<Part>,
): Promise<Part[]> {
  const results: Part[] = [];
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

function lengthOf({ range }: ObjectRange): number {
  return range.end - range.start + 1;
}
