import { isDeepStrictEqual } from 'node:util';
import type { StoreContext } from '@nestjs-tus/core';
import type { Part } from '../assembly.js';
import { isListed } from '../content/listed-objects.js';
import { Changed, PiecesRefused, SessionGone } from '../problems.js';
import { sum, type UploadRecord } from '../record/upload-record.js';
import { COPY_SIZE } from './limits.js';
import { LostContent } from './lost-content.js';
import { failIfTaken } from './own-object.js';
import { openSession, targetOf } from './sessions.js';
import type { Storage } from './storage.js';
import type { UploadState } from './upload-state.js';

/**
 * Makes the object of parts. It may be there already, of a call whose answer was lost: the object says which attempt made it.
 * @throws LostContent when neither is there; PiecesRefused; HttpError `ERR_UPLOAD_EXISTS` when its key has become another object's
 */
export async function completeParts(
  storage: Storage,
  record: UploadRecord,
  parts: readonly Part[],
  { signal }: StoreContext,
): Promise<void> {
  const { session, info } = record;
  if (!session) throw new Error(`the upload ${info.id} has no parts to complete`);
  // The condition closes what is between the look and the call, on services that know it here: AWS does, Ceph does not.
  const isFree = record.keyIsChosen === true && (await failIfTaken(storage, record)) === 'none';
  const options = { signal, unless: isFree ? 'exists' : undefined } as const;
  try {
    await storage.assembly.complete(targetOf(record, session), parts, options);
  } catch (error) {
    if (signal?.aborted) throw error;
    if (error instanceof SessionGone) return failIfNotCompleted(storage, record, parts, error);
    if (error instanceof Changed) await failIfTaken(storage, record);
    throw error;
  }
}

/** What is there tells more than the answer to one call. */
async function failIfNotCompleted(
  { objects }: Storage,
  { key, session }: UploadRecord,
  parts: readonly Part[],
  cause: SessionGone,
): Promise<void> {
  const object = await objects.head(key);
  // HEAD cannot tell the service's 404 from a proxy's; what follows removes the upload.
  if (!object && (await isListed(objects, key))) throw cause;
  if (object && object.attempt === session?.attempt && object.size === sum(parts)) return;
  throw new LostContent(`neither the parts nor the object ${key} are there`, { cause });
}

/**
 * Makes the parts that count those of a new session, where the service completes one only with every part that was ever stored: Ceph's
 * gateway refuses it otherwise, while AWS drops the rest. Strays come from a request that failed in the middle, and from a holder that was
 * replaced. A part can neither be removed nor read, so all of them are made one object first, and what counts is copied out of that.
 *
 * @param refusal why the parts that count were not enough
 * @throws `refusal` when there are no strays
 */
export async function leaveOutStrays(
  storage: Storage,
  state: UploadState,
  context: StoreContext,
  refusal?: PiecesRefused,
): Promise<void> {
  const sealed = state.record.sealed ?? (await findAll(storage, state, context, refusal));
  try {
    await completeParts(storage, state.record, sealed, context);
    await copyCounted(storage, state, sealed, context);
  } catch (error) {
    if (!(error instanceof PiecesRefused)) throw error;
    // One more has arrived since they were listed.
    const all = await findAll(storage, state, context, error);
    await completeParts(storage, state.record, all, context);
    await copyCounted(storage, state, all, context);
  }
}

/** Makes the parts that count those of a new session, whose numbers begin anew: takeovers have used up those of the old one. */
export async function renumber(storage: Storage, state: UploadState, context: StoreContext): Promise<void> {
  const { record } = state;
  const { parts, session } = record;
  if (!session) return;
  if (parts.length > 0) {
    // Without the strays, where the service lets them be dropped.
    await state.commit({ sealed: parts }, context);
    return leaveOutStrays(storage, state, context);
  }
  const opened = await openSession(storage, record, context.signal);
  state.numberAnew();
  await state.commit({ session: opened }, context);
  await storage.assembly.discard(targetOf(record, session), []);
}

/** All parts of a session, with which it can be completed. */
async function findAll(
  { assembly, sizing }: Storage,
  state: UploadState,
  context: StoreContext,
  refusal: PiecesRefused | undefined,
): Promise<Part[]> {
  const { session, parts } = state.record;
  const reason = refusal ?? new Error('there are no parts that could be left out');
  if (!session || !assembly.list) throw reason;
  const target = targetOf(state.record, session);
  const counted = new Map(parts.map((part) => [part.number, part]));
  const all = await assembly.list(target);
  const unchanged = all.filter(({ number, piece }) => isDeepStrictEqual(counted.get(number)?.piece, piece));
  // A part that counts is not what it was: nothing here can mend that.
  if (unchanged.length !== parts.length || all.length === parts.length) throw reason;
  for (const [index, { number, size }] of all.entries()) {
    const isLast = index === all.length - 1;
    if (counted.has(number) || size >= sizing.minPiece || isLast) continue;
    // Only the last part may be small, and what a stray holds is of no interest.
    const filler = Buffer.alloc(sizing.minPiece);
    const piece = await assembly.store(target, number, filler, context.signal);
    all[index] = { number, size: filler.length, piece };
  }
  await state.commit({ sealed: all }, context);
  return all;
}

async function copyCounted(
  storage: Storage,
  state: UploadState,
  sealed: readonly Part[],
  context: StoreContext,
): Promise<void> {
  const { record } = state;
  const { assembly } = storage;
  const copy = assembly.copy?.bind(assembly);
  if (!copy) throw new Error('a service that refuses to leave parts out has to copy');
  const opened = await openSession(storage, record, context.signal);
  const target = targetOf(record, opened);
  const copied: Part[] = [];
  try {
    const counted = new Set(record.parts.map(({ number }) => number));
    for (const { start, end } of rangesOf(sealed, counted, storage.sizing.equal)) {
      const number = copied.length + 1;
      const source = { key: record.key, range: { start, end: end - 1 } };
      const piece = await storage.permits.run(() => copy(target, number, source, context.signal));
      copied.push({ number, size: end - start, piece });
    }
    state.numberAnew(copied.length + 1);
    await state.commit({ session: opened, parts: copied, sealed: undefined }, context);
  } catch (error) {
    if (!state.mayHaveCommitted(error)) await storage.assembly.discard(target, copied);
    throw error;
  }
}

/** Where the parts that count are in the object that all of them have become; neighbours together, unless all parts must be equal. */
function rangesOf(
  sealed: readonly Part[],
  counted: ReadonlySet<number>,
  equal: boolean,
): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = [];
  let position = 0;
  for (const { number, size } of sealed) {
    const start = position;
    position += size;
    if (!counted.has(number)) continue;
    const last = ranges.at(-1);
    if (!equal && last?.end === start && position - last.start <= COPY_SIZE) last.end = position;
    else ranges.push({ start, end: position });
  }
  return ranges;
}
