import type { StoreContext } from '@nestjs-tus/core';
import { COPY_SIZE } from './limits.js';
import { LostContent } from './lost-content.js';
import { failIfTaken } from './own-object.js';
import { hasName, isPreconditionFailed } from './storage-error.js';
import { type StoredPart, sum, type UploadRecord } from './upload-record.js';
import type { Service, UploadState } from './upload-state.js';

/**
 * Completes a multipart upload. It may be done already, by a call whose answer was lost: the object says which attempt made it.
 * @throws LostContent when neither is there; HttpError `ERR_UPLOAD_EXISTS` when its key has become another object's
 */
export async function completeParts(
  service: Service,
  record: UploadRecord,
  parts: readonly StoredPart[],
  { signal }: StoreContext,
): Promise<void> {
  const { key, multipart, info } = record;
  const { bucket, multiparts } = service;
  if (!multipart) throw new Error(`the upload ${info.id} has no parts to complete`);
  // The condition closes what is between the look and the call, on services that know it here: AWS does, Ceph does not.
  const isFree = record.keyIsChosen === true && (await failIfTaken(service, record)) === 'nobody';
  try {
    await multiparts.complete(key, multipart.id, parts, isFree ? { IfNoneMatch: '*' } : {}, signal);
  } catch (error) {
    if (signal?.aborted || hasName(error, 'InvalidPart')) throw error;
    // Ceph's gateway answers 500 when there is no such multipart upload: what is there tells more than the answer.
    if (!(await multiparts.isGone(key, multipart.id))) {
      if (isPreconditionFailed(error)) await failIfTaken(service, record);
      throw error;
    }
    const object = await bucket.head(key);
    // HEAD cannot tell the service's 404 from a proxy's; what follows removes the upload.
    if (!object && (await bucket.lists(key))) throw error;
    if (object?.attempt === multipart.attempt && object.size === sum(parts)) return;
    throw new LostContent(`neither the parts nor the object ${key} are there`, { cause: error });
  }
}

/**
 * Makes the parts that count those of a new multipart upload, where the service completes one only with every part that was ever uploaded: Ceph's
 * gateway answers InvalidPart otherwise, while AWS drops the rest. Strays come from a request that failed in the middle, and from a holder that was
 * replaced. A part can neither be removed nor read, so all of them are made one object first, and what counts is copied out of that.
 *
 * @param refusal why the parts that count were not enough
 * @throws `refusal` when there are no strays
 */
export async function leaveOutStrays(
  service: Service,
  state: UploadState,
  context: StoreContext,
  refusal?: unknown,
): Promise<void> {
  const sealed = state.record.sealed ?? (await findAll(service, state, context, refusal));
  try {
    await completeParts(service, state.record, sealed, context);
    await copyCounted(service, state, sealed, context);
  } catch (error) {
    if (!hasName(error, 'InvalidPart')) throw error;
    // One more has arrived since they were listed.
    const all = await findAll(service, state, context, error);
    await completeParts(service, state.record, all, context);
    await copyCounted(service, state, all, context);
  }
}

/** Makes the parts that count those of a new multipart upload, whose numbers begin anew: takeovers have used up those of the old one. */
export async function renumber(service: Service, state: UploadState, context: StoreContext): Promise<void> {
  const { key, parts, multipart } = state.record;
  if (!multipart) return;
  if (parts.length > 0) {
    // Without the strays, where the service lets them be dropped.
    await state.commit({ sealed: parts }, context);
    return leaveOutStrays(service, state, context);
  }
  const begun = await service.multiparts.begin(state.record, context.signal);
  state.numberAnew();
  await state.commit({ multipart: begun }, context);
  await service.multiparts.abort(key, multipart.id);
}

async function findAll(
  { multiparts, options }: Service,
  state: UploadState,
  context: StoreContext,
  refusal: unknown,
): Promise<StoredPart[]> {
  const { key, multipart, parts } = state.record;
  if (!multipart) throw refusal;
  const counted = new Map(parts.map((part) => [part.number, part]));
  const all = await multiparts.list(key, multipart.id);
  const isWhole =
    all.filter(({ number, etag }) => counted.get(number)?.etag === etag).length === parts.length;
  // A part that counts is not what it was: nothing here can mend that.
  if (!isWhole || all.length === parts.length) throw refusal;
  for (const [index, { number, size }] of all.entries()) {
    const isLast = index === all.length - 1;
    if (counted.has(number) || size >= options.minPartSize || isLast) continue;
    // Only the last part may be small, and what a stray holds is of no interest.
    const filler = Buffer.alloc(options.minPartSize);
    const etag = await multiparts.uploadPart(key, multipart.id, number, filler, context.signal);
    all[index] = { number, size: filler.length, etag };
  }
  await state.commit({ sealed: all }, context);
  return all;
}

async function copyCounted(
  { multiparts, permits, options }: Service,
  state: UploadState,
  sealed: readonly StoredPart[],
  context: StoreContext,
): Promise<void> {
  const { key, parts } = state.record;
  const multipart = await multiparts.begin(state.record, context.signal);
  const { id } = multipart;
  try {
    const ranges = rangesOf(sealed, new Set(parts.map(({ number }) => number)), options.equalParts);
    const copied: StoredPart[] = [];
    for (const { start, end } of ranges) {
      const number = copied.length + 1;
      const range = { start, end: end - 1 };
      const etag = await permits.run(() =>
        multiparts.copyPart(key, id, number, { key, range }, context.signal),
      );
      copied.push({ number, size: end - start, etag });
    }
    state.numberAnew(copied.length + 1);
    await state.commit({ multipart, parts: copied, sealed: undefined }, context);
  } catch (error) {
    if (!state.mayHaveCommitted(error)) await multiparts.abort(key, id);
    throw error;
  }
}

/** Where the parts that count are in the object that all of them have become; neighbours together, unless all parts must be equal. */
function rangesOf(
  sealed: readonly StoredPart[],
  counted: ReadonlySet<number>,
  equalParts: boolean,
): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  let position = 0;
  for (const { number, size } of sealed) {
    const start = position;
    position += size;
    if (!counted.has(number)) continue;
    const last = ranges.at(-1);
    if (!equalParts && last?.end === start && position - last.start <= COPY_SIZE) last.end = position;
    else ranges.push({ start, end: position });
  }
  return ranges;
}
