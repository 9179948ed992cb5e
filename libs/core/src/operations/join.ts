import type { Engine } from '../engine.js';
import { ErrNotFound, errors, hasCode, isHttpError } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { stateOf, type FileInfo } from '../file-info.js';
import { UploadLock } from '../lock/upload-locks.js';
import { Permits } from '../permits.js';
import type { StoreContext, Upload } from '../store/data-store.js';
import { finish, reject } from './finish.js';
import { maxSizeOf } from './receive.js';
import { inScope, OperationScope, whileHeld } from './under-lock.js';
import { update } from './update.js';

/** An upload and what was read of it. */
export interface LoadedUpload {
  readonly upload: Upload;
  readonly info: FileInfo;
}

/** Partial uploads that are read at the same time in this process, whatever number of final ones asks for them: each costs a descriptor. */
const reading = new Permits(16);
/** Final uploads that are joined at the same time in this process: each holds what is known of all its parts. */
const joining = new Permits(8);

/** Reads uploads, a few at a time; `keep` takes what is needed of each. One that is named several times is read once. */
export async function loadAll<T>(
  engine: Engine,
  uploadIds: readonly string[],
  keep: (loaded: LoadedUpload) => T,
): Promise<Map<string, T>> {
  const ids = [...new Set(uploadIds)];
  const loaded = await Promise.all(
    ids.map((id) => reading.run(async () => keep(await load(engine, id, {})))),
  );
  return new Map(ids.map((id, index) => [id, loaded[index] as T]));
}

/**
 * Makes the content of finished partial uploads that of a final one, which `make` makes or finds. Runs under the locks of all of them.
 * @returns the final upload with all its bytes, not finished yet; undefined when a part is not finished
 * @throws HttpError `ERR_MAX_SIZE_EXCEEDED` (413) when they are more than a final one may have, which rejects it for good
 */
export async function concat(
  engine: Engine,
  partialIds: readonly string[],
  make: () => LoadedUpload | Promise<LoadedUpload>,
  context: StoreContext,
): Promise<LoadedUpload | undefined> {
  const { concater } = engine.composer;
  if (!concater) return undefined;
  return joining.run(async () => {
    const known = await loadAll(engine, partialIds, (loaded) => loaded);
    const partials = partialIds.flatMap((id) => known.get(id) ?? []);
    if (!partials.every(({ info }) => stateOf(info) === 'finished')) return undefined;
    const { upload, info } = await make();
    const size = sizeOf(partials);
    await rejectIfTooLarge(engine, { upload, info }, size, context);
    if (info.sizeIsDeferred) await update(engine, upload, { size, sizeIsDeferred: false }, context);
    const uploads = partials.map((partial) => partial.upload);
    await concater.asConcatableUpload(upload).concatUploads(uploads, context);
    engine.awaited.settle(info.id, info.partialUploads);
    return { upload, info: { ...info, size, sizeIsDeferred: false, offset: size } };
  });
}

/** Lengths that were not known when the final upload was made may be too much for it together. */
async function rejectIfTooLarge(
  engine: Engine,
  { upload, info }: LoadedUpload,
  size: number,
  context: StoreContext,
): Promise<void> {
  const max = maxSizeOf(engine, info);
  if (max === 0 || size <= max) return;
  engine.awaited.settle(info.id, info.partialUploads);
  throw await reject(engine, upload, errors.maxSizeExceeded(), context);
}

export function sizeOf(partials: readonly Pick<LoadedUpload, 'info'>[]): number {
  return partials.reduce((sum, { info }) => sum + info.size, 0);
}

/** Final uploads that one partial upload names: any client may have many wait for it. */
const MOST_PENDING_FINALS = 100;

/** What an attempt gives that found a lock taken. */
export const BUSY = Symbol('somebody holds a lock that is needed');

/**
 * Joins a final upload whose partial ones have all arrived meanwhile. Waits for nobody: a holder may be receiving.
 *
 * @param exchange undefined: no hook is asked
 * @returns its info, if it is finished now; `BUSY` when it has to be tried again
 */
export async function joinIfComplete(
  engine: Engine,
  exchange: Exchange | undefined,
  finalId: string,
): Promise<FileInfo | typeof BUSY | undefined> {
  return holdingIfFree(engine, finalId, async (scope) => {
    const final = await load(engine, finalId, scope);
    const state = stateOf(final.info);
    if (state === 'finished') return final.info;
    if (state === 'rejected') return undefined;
    return holdingAllIfFree(engine, final.info.partialUploads, async () => {
      const whole = await concat(engine, final.info.partialUploads, () => final, scope);
      return whole && (await finish(engine, exchange, whole.upload, whole.info, scope)).info;
    });
  });
}

/** Joins the final uploads that wait for a partial one that has just finished. */
export async function joinFinalsOf(engine: Engine, exchange: Exchange, partial: FileInfo): Promise<void> {
  const finals = new Set([...(partial.pendingFinals ?? []), ...engine.awaited.finalsOf(partial.id)]);
  engine.awaited.forget(partial.id, [...finals]);
  for (const finalId of finals) {
    try {
      if ((await joinIfComplete(engine, exchange, finalId)) === BUSY) engine.lateJoins.add(finalId);
    } catch (error) {
      // The partial upload has succeeded; its final one says for itself what went wrong, to each client that asks for it.
      if (!hasCode(error, ErrNotFound) && !isRefusal(error))
        engine.logger.error(`joining the final upload ${finalId} failed`, error);
    }
  }
}

/** True for an answer that ends an upload: its client gets it, and nothing has failed. */
export function isRefusal(error: unknown): boolean {
  return isHttpError(error) && error.isFinalAnswer;
}

/** Writes down which final uploads wait for this partial one, so that another process knows it too. Runs under its lock. */
export async function rememberAwaiting(
  engine: Engine,
  upload: Upload,
  info: FileInfo,
  context: StoreContext,
): Promise<void> {
  const known = info.pendingFinals ?? [];
  const finals = engine.awaited.finalsOf(info.id).filter((id) => !known.includes(id));
  if (finals.length === 0 || stateOf(info) === 'finished') return;
  // The oldest ones are joined when a client asks for them.
  const pendingFinals = [...known, ...finals].slice(-MOST_PENDING_FINALS);
  await update(engine, upload, { pendingFinals }, context);
  engine.awaited.forget(info.id, finals);
}

/**
 * Makes a partial upload name a final one, at once if nobody is receiving it, else when that request is done, if it is one of this process.
 * @returns `BUSY` when somebody is
 */
export async function awaitPartial(
  engine: Engine,
  partialId: string,
  finalId: string,
): Promise<typeof BUSY | void> {
  engine.awaited.add(partialId, finalId);
  return holdingIfFree(engine, partialId, async (scope) => {
    const { upload, info } = await load(engine, partialId, scope);
    await rememberAwaiting(engine, upload, info, scope);
    engine.awaited.forget(partialId, [finalId]);
  });
}

export async function load(engine: Engine, uploadId: string, context: StoreContext): Promise<LoadedUpload> {
  const upload = await engine.store.getUpload(uploadId, context);
  return { upload, info: await upload.getInfo(context) };
}

/** Works under the lock of an upload if it is free; else gives `BUSY`. */
export async function holdingIfFree<T>(
  engine: Engine,
  uploadId: string,
  work: (scope: OperationScope) => Promise<T>,
): Promise<T | typeof BUSY> {
  const { locker } = engine.composer;
  if (!locker) return inScope(new OperationScope(engine.ending), work);
  const lock = new UploadLock(locker, uploadId);
  if (!(await lock.tryLock())) return BUSY;
  return whileHeld(lock, engine.ending, work);
}

/** Takes the locks of several uploads in the order of their ids, or none of them. */
async function holdingAllIfFree<T>(
  engine: Engine,
  uploadIds: readonly string[],
  work: () => Promise<T>,
): Promise<T | typeof BUSY> {
  const { locker } = engine.composer;
  if (!locker) return work();
  const held: UploadLock[] = [];
  try {
    for (const id of [...new Set(uploadIds)].sort()) {
      const lock = new UploadLock(locker, id);
      if (!(await lock.tryLock())) return BUSY;
      held.push(lock);
    }
    return await work();
  } finally {
    for (const lock of held.reverse()) await lock.unlock();
  }
}
