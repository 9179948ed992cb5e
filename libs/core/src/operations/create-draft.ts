import type { Engine } from '../engine.js';
import { ErrNotFound, errors, hasCode, isHttpError } from '../errors.js';
import type { Exchange } from '../exchange.js';
import type { DraftTerms } from './draft-terms.js';
import { asHttpError } from '../refusal.js';
import type { LoadedUpload } from './join.js';
import type { CreateRequest, IncomingContent } from './operation.js';
import { receiveDraft } from './receive-draft.js';
import type { Settled } from './settle.js';
import { remove } from './terminate.js';
import type { OperationScope } from './under-lock.js';

export type DraftCreation = CreateRequest & { readonly draft: DraftTerms; readonly content: IncomingContent };

export function isDraftCreation(request: CreateRequest): request is DraftCreation {
  return request.draft !== undefined && request.content !== undefined;
}

/**
 * Checks what a creation of the draft tells of its lengths, before anything exists.
 * @throws HttpError with 413 for what is too large, 400 for what does not agree or is too small
 */
export function checkDraftCreation(engine: Engine, request: DraftCreation): void {
  const { length, content, draft } = request;
  const { maxSize, minSize, minAppendSize, maxAppendSize } = engine.config;
  const sent = content.length ?? 0;
  if (maxSize > 0 && Math.max(length ?? 0, sent) > maxSize) throw errors.maxSizeExceeded();
  if (draft.limitsContent && maxAppendSize > 0 && sent > maxAppendSize) throw errors.appendTooLarge();
  if (length !== undefined && sent > length) throw errors.sizeExceeded();
  const isWhole = content.length !== undefined && content.length === length;
  if (draft.completes && content.length !== undefined && !isWhole) throw errors.invalidUploadLength();
  if (length === undefined && !engine.composer.usesLengthDeferrer) throw errors.notImplemented();
  if (draft.completes || isWhole) return;
  if (length !== undefined && length < minSize) throw errors.uploadTooSmall();
  // A creation without content reserves the upload: that is no append.
  if (draft.limitsContent && sent > 0 && sent < minAppendSize) throw errors.appendTooSmall();
}

/**
 * Tells the client where its upload is, while its content is on the way, and stores the content.
 *
 * Checklist U2: a 104 (Upload Resumption Supported) announces the upload as soon as it exists.
 */
export async function receiveDraftCreation(
  engine: Engine,
  exchange: Exchange,
  made: LoadedUpload,
  request: DraftCreation,
  scope: OperationScope,
): Promise<Settled> {
  const { isResumable } = request.draft;
  if (isResumable) exchange.dialect.announce?.(exchange, made.info);
  try {
    return await receiveDraft(engine, exchange, made, request, scope);
  } catch (error) {
    if (!isHttpError(error) || error.isFinalAnswer) throw error;
    if (await isGone(engine, made)) throw error;
    if (isResumable) throw asHttpError(error).with({ header: { Location: exchange.urlOf(made.info.id) } });
    // Nobody was told the upload's URL, so nobody can go on with it.
    await remove(engine, exchange, made.upload, made.info, scope);
    throw error;
  }
}

/** True for an upload that what went wrong has ended. */
async function isGone(engine: Engine, { info }: LoadedUpload): Promise<boolean> {
  try {
    const { state } = await (await engine.store.getUpload(info.id, {})).getInfo({});
    return state === 'rejected';
  } catch (error) {
    if (hasCode(error, ErrNotFound)) return true;
    throw error;
  }
}
