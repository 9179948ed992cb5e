import type { Engine } from '../engine.js';
import { errors } from '../errors.js';
import { mergeResponses } from '../events/merge-responses.js';
import type { Exchange } from '../exchange.js';
import { stateOf, type FileInfo } from '../file-info.js';
import { askCreation, draftOf, makeUpload } from './create.js';
import { isExpired } from './expiry.js';
import { finish } from './finish.js';
import { awaitPartial, BUSY, concat, joinIfComplete, loadAll, sizeOf, type LoadedUpload } from './join.js';
import type { CreateRequest, Outcome } from './operation.js';
import { maxSizeOf } from './receive.js';
import { inScope, OperationScope, underLock } from './under-lock.js';

/**
 * Creates a final upload out of partial ones.
 *
 * tus 1.0.0: "The length of the final upload MUST be the sum of the length of all partial uploads." Parts that are still on their way are
 * taken only where `concatenation-unfinished` is announced.
 */
export async function createFinal(
  engine: Engine,
  exchange: Exchange,
  request: CreateRequest,
  partialIds: readonly string[],
): Promise<Outcome> {
  // "modifying a final upload is not allowed": it has no content but that of its parts.
  if (request.content && exchange.hasBody) throw errors.modifyFinal();
  const partials = await loadPartials(engine, partialIds);
  const areFinished = partials.every(isFinished);
  if (!areFinished && !joinsUnfinished(engine)) throw errors.uploadNotFinished();
  const draft = finalOf(engine, request, partialIds, partials);
  if (request.length !== undefined && request.length !== draft.size && !draft.sizeIsDeferred) {
    throw errors.invalidUploadLength();
  }
  failIfTooLarge(engine, draft, partials);
  const wanted = await askCreation(engine, exchange, draft);
  failIfTooLarge(engine, wanted.info, partials);
  if (areFinished) return joinNow(engine, exchange, wanted);
  return {
    kind: 'created',
    received: false,
    response: wanted.response,
    info: await joinLater(engine, exchange, wanted.info),
  };
}

/** Each part counts with its length, or with what has arrived of it while its length is not known. */
function failIfTooLarge(engine: Engine, final: FileInfo, partials: readonly Partial[]): void {
  const max = maxSizeOf(engine, final);
  const least = partials.reduce((sum, { info }) => sum + (info.sizeIsDeferred ? info.offset : info.size), 0);
  if (max > 0 && least > max) throw errors.maxSizeExceeded();
}

/** True when a final upload may be made of partial ones that have not arrived yet. */
export function joinsUnfinished(engine: Engine): boolean {
  return engine.composer.usesConcater && engine.composer.usesUpdater && !engine.config.disableConcatenation;
}

/** What a final upload needs of its partial ones. Their metadata would take memory for nothing. */
type Partial = Pick<LoadedUpload, 'info'>;

async function loadPartials(engine: Engine, ids: readonly string[]): Promise<Partial[]> {
  const known = await loadAll(engine, ids, ({ info }) => ({ info: withoutTexts(info) }));
  return ids.map((id) => {
    const partial = known.get(id);
    if (!partial || isExpired(partial.info)) throw errors.notFound();
    if (!partial.info.isPartial) throw errors.invalidConcat('one of the uploads is not partial');
    return partial;
  });
}

function withoutTexts(info: FileInfo): FileInfo {
  const { id, size, sizeIsDeferred, offset, isPartial, isFinal, state, protocol, expiresAt } = info;
  const kept = { id, size, sizeIsDeferred, offset, isPartial, isFinal, state, protocol, expiresAt };
  return { ...kept, metaData: {}, partialUploads: [] };
}

function isFinished({ info }: Partial): boolean {
  return stateOf(info) === 'finished';
}

function finalOf(
  engine: Engine,
  request: CreateRequest,
  partialIds: readonly string[],
  partials: readonly Partial[],
): FileInfo {
  const sizeIsDeferred = partials.some(({ info }) => info.sizeIsDeferred);
  return {
    ...draftOf(engine, request),
    isFinal: true,
    partialUploads: [...partialIds],
    size: sizeIsDeferred ? 0 : sizeOf(partials),
    sizeIsDeferred,
    // A final one of empty parts has offset = length from the beginning, and is not finished all the same.
    state: engine.composer.usesUpdater ? 'receiving' : undefined,
  };
}

type Wanted = Awaited<ReturnType<typeof askCreation>>;

/** All parts are there: the answer says that the final upload is complete. */
async function joinNow(engine: Engine, exchange: Exchange, { info, response }: Wanted): Promise<Outcome> {
  return underLock(engine, exchange, info.id, (scope) =>
    underLocks(engine, exchange, [...new Set(info.partialUploads)].sort(), async () => {
      // Under their locks nobody can take a part away.
      await loadPartials(engine, info.partialUploads);
      const make = () => makeUpload(engine, exchange, info, scope);
      const whole = await concat(engine, info.partialUploads, make, scope);
      if (!whole) throw errors.uploadNotFinished();
      const finished = await finish(engine, exchange, whole.upload, whole.info, scope);
      return {
        kind: 'created',
        received: false,
        info: finished.info,
        response: mergeResponses(response, finished.response),
      };
    }),
  );
}

/** Holds the locks of several uploads, taken in the order of their ids. */
async function underLocks<T>(
  engine: Engine,
  exchange: Exchange,
  ids: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const [id, ...others] = ids;
  if (id === undefined) return work();
  return underLock(engine, exchange, id, () => underLocks(engine, exchange, others, work));
}

/** concatenation-unfinished: each part that is missing is made to name the final upload, and whoever finishes the last one joins them. */
async function joinLater(engine: Engine, exchange: Exchange, wanted: FileInfo): Promise<FileInfo> {
  const { info } = await inScope(new OperationScope(exchange.deadline), (scope) =>
    makeUpload(engine, exchange, wanted, scope),
  );
  let isBusy = false;
  for (const partialId of new Set(info.partialUploads)) {
    if ((await awaitPartial(engine, partialId, info.id)) === BUSY) isBusy = true;
  }
  // The last part may have been finished while the others were being told.
  const joined = await joinIfComplete(engine, exchange, info.id);
  if (isBusy || joined === BUSY) engine.lateJoins.add(info.id);
  return joined === BUSY || joined === undefined ? info : joined;
}
