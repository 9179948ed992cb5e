import { isTooLong } from '../body/too-long.js';
import type { Engine } from '../engine.js';
import {
  ErrUploadInvalidated,
  ErrUploadStoppedByServer,
  errors,
  hasCode,
  type HttpError,
} from '../errors.js';
import type { Exchange } from '../exchange.js';
import { hasAllBytes, type FileInfo } from '../file-info.js';
import type { Upload } from '../store/data-store.js';
import { ProgressAnnouncement } from './announce-progress.js';
import type { DraftTerms } from './draft-terms.js';
import { postponeExpiry } from './expiry.js';
import { finish } from './finish.js';
import type { LoadedUpload } from './join.js';
import type { IncomingContent } from './operation.js';
import { receive, type BodyTerms, type Received } from './receive.js';
import type { Settled } from './settle.js';
import { remove } from './terminate.js';
import type { OperationScope } from './under-lock.js';
import { update } from './update.js';

/** What a draft request brings. */
export interface DraftContent {
  readonly content: IncomingContent;
  readonly draft: DraftTerms;
}

/**
 * Stores the content of a draft request at the end of an upload, and completes the upload if the request says so and was processed
 * whole. Runs under the upload's lock.
 *
 * Checklist ST6: only a request with `Upload-Complete: ?1` that was received whole completes an upload; offset = length says nothing.
 * @throws HttpError why the content was cut; what arrived is kept
 */
export async function receiveDraft(
  engine: Engine,
  exchange: Exchange,
  { upload, info }: LoadedUpload,
  request: DraftContent,
  scope: OperationScope,
): Promise<Settled> {
  const digest = engine.digests.start(info);
  const progress = new ProgressAnnouncement(engine, exchange, info);
  if (request.draft.isResumable) progress.start();
  const terms: BodyTerms = { inspect: digest?.inspect, limit: limitOf(engine, request.draft) };
  let received: Received;
  try {
    received = await receive(engine, exchange, upload, info, request.content, scope, terms);
  } finally {
    progress.stop();
  }
  digest?.keep(received.info.offset);
  return settleDraft(engine, exchange, upload, received, request.draft, scope);
}

/** Ends an upload that got more than its length: nobody knows which of the two was meant. */
export async function invalidate(
  engine: Engine,
  exchange: Exchange,
  upload: Upload,
  info: FileInfo,
  scope: OperationScope,
): Promise<void> {
  engine.digests.forget(info.id);
  if (engine.composer.usesTerminater) return remove(engine, exchange, upload, info, scope);
  const { code, status, message } = ErrUploadInvalidated;
  const answer = { statusCode: status, header: {}, body: `${code}: ${message}` };
  await update(engine, upload, { state: 'rejected', answer }, scope);
}

async function settleDraft(
  engine: Engine,
  exchange: Exchange,
  upload: Upload,
  { info, failure }: Received,
  draft: DraftTerms,
  scope: OperationScope,
): Promise<Settled> {
  if (failure && hasCode(failure, ErrUploadStoppedByServer)) {
    await remove(engine, exchange, upload, info, scope);
    throw failure;
  }
  if (failure && isOverflow(failure, info) && draft.overflow === 'invalidate') {
    await invalidate(engine, exchange, upload, info, scope);
    throw failure;
  }
  if (!isCompleted({ info, failure }, draft)) {
    const kept = await postponeExpiry(engine, upload, info, scope);
    if (failure) throw failure;
    return { info: kept };
  }
  if (!info.sizeIsDeferred && info.offset < info.size) {
    await postponeExpiry(engine, upload, info, scope);
    throw errors.invalidUploadLength();
  }
  const sized = info.sizeIsDeferred ? await declare(engine, upload, info, info.offset, scope) : info;
  return complete(
    engine,
    exchange,
    upload,
    draft.completes ? { ...sized, state: 'finishing' } : sized,
    scope,
  );
}

/** Finishes an upload of whose content nothing is missing. */
async function complete(
  engine: Engine,
  exchange: Exchange,
  upload: Upload,
  info: FileInfo,
  scope: OperationScope,
): Promise<Settled> {
  // Somebody may disagree, or be asked again after a crash: until then HEAD must not say that bytes are missing.
  if (engine.config.preFinishResponseCallback || info.digests)
    await update(engine, upload, { state: 'finishing' }, scope);
  const finished = await finish(engine, exchange, upload, info, scope);
  engine.digests.forget(info.id);
  return finished;
}

/** Sets the length of an upload that had none. */
export async function declare(
  engine: Engine,
  upload: Upload,
  info: FileInfo,
  length: number,
  scope: OperationScope,
): Promise<FileInfo> {
  const { lengthDeferrer } = engine.composer;
  if (!lengthDeferrer) throw errors.notImplemented();
  await lengthDeferrer.asLengthDeclarableUpload(upload).declareLength(length, scope);
  return { ...info, size: length, sizeIsDeferred: false };
}

function isCompleted({ info, failure }: Received, draft: DraftTerms): boolean {
  if (!failure && draft.completes) return true;
  // What came after the last byte was cut off: the upload has all that it needs.
  return draft.completesAtLength && hasAllBytes(info) && !isTooLong(failure);
}

function isOverflow(failure: HttpError, info: FileInfo): boolean {
  return failure.code === 'ERR_UPLOAD_SIZE_EXCEEDED' && !info.sizeIsDeferred;
}

function limitOf(engine: Engine, draft: DraftTerms): BodyTerms['limit'] {
  const { maxAppendSize } = engine.config;
  if (!draft.limitsContent || maxAppendSize === 0) return undefined;
  return { bytes: maxAppendSize, exceeded: () => errors.appendTooLarge() };
}
