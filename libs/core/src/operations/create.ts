import { isTooLong } from '../body/too-long.js';
import type { Engine } from '../engine.js';
import { errors, isHttpError } from '../errors.js';
import type { FileInfoChanges, HookResponse } from '../events/hook-event.js';
import { mergeResponses } from '../events/merge-responses.js';
import type { Exchange } from '../exchange.js';
import { hasAllBytes, type FileInfo } from '../file-info.js';
import type { StoreContext } from '../store/data-store.js';
import { asHttpError } from '../refusal.js';
import { newUploadId } from '../upload-id.js';
import { checkDraftCreation, isDraftCreation, receiveDraftCreation } from './create-draft.js';
import { createFinal } from './create-final.js';
import { nextExpiry } from './expiry.js';
import { keepsState } from './finish.js';
import type { CreateRequest, IncomingContent, Outcome } from './operation.js';
import type { LoadedUpload } from './join.js';
import { maxSizeOf, receive } from './receive.js';
import { NO_ANSWER, runHook } from './run-hook.js';
import { settle, type Settled } from './settle.js';
import { remove } from './terminate.js';
import { inScope, OperationScope, underLock } from './under-lock.js';
import { failIfOver } from './update.js';

/**
 * Creates an upload, and stores what comes with the request.
 *
 * tus 1.0.0: "The Client MUST send a POST request against a known upload creation URL to request a new upload resource … If the length
 * of the upload exceeds the maximum … the Server MUST respond with the 413 Request Entity Too Large status. The Server MUST acknowledge a
 * successful upload creation with the 201 Created status. The Server MUST set the Location header to the URL of the created resource."
 */
export async function create(engine: Engine, exchange: Exchange, request: CreateRequest): Promise<Outcome> {
  if (request.concat && !offersConcatenation(engine)) throw errors.concatenationUnsupported();
  if (request.concat?.kind === 'final')
    return createFinal(engine, exchange, request, request.concat.uploadIds);
  if (isDraftCreation(request)) checkDraftCreation(engine, request);
  else failIfTooLarge(engine, request);
  const wanted = await askCreation(engine, exchange, draftOf(engine, request));
  const { content } = request;
  if (!content && !hasAllBytes(wanted.info)) {
    const info = await inScope(
      new OperationScope(exchange.deadline),
      async (scope) => (await makeUpload(engine, exchange, wanted.info, scope)).info,
    );
    return { kind: 'created', info, received: false, response: wanted.response };
  }
  // Nobody can know a new id; whoever holds its lock has an upload that a hook has named alike.
  const taken = () => Promise.reject(errors.uploadExists());
  return underLock(
    engine,
    exchange,
    wanted.info.id,
    async (scope) => {
      const made = await makeUpload(engine, exchange, wanted.info, scope);
      const settled = await whileLocked(engine, exchange, made, wanted.info.id, scope, (context) =>
        isDraftCreation(request)
          ? receiveDraftCreation(engine, exchange, made, request, context)
          : receiveFirst(engine, exchange, made, content, context),
      );
      const response = mergeResponses(wanted.response, settled.response);
      return { kind: 'created', info: settled.info, received: content !== undefined, response };
    },
    { precheck: taken },
  );
}

export function offersConcatenation(engine: Engine): boolean {
  return engine.composer.usesConcater && !engine.config.disableConcatenation;
}

interface WantedUpload {
  readonly info: FileInfo;
  readonly response?: HookResponse;
}

/** Asks the hook, and applies what it changes. */
export async function askCreation(
  engine: Engine,
  exchange: Exchange,
  draft: FileInfo,
): Promise<WantedUpload> {
  const hook = engine.config.preUploadCreateCallback;
  const { changes, response } = hook
    ? await runHook(engine, 'preUploadCreate', hook, exchange, draft)
    : NO_ANSWER;
  const info = applyChanges(draft, changes);
  const max = maxSizeOf(engine, info);
  if (max > 0 && !info.sizeIsDeferred && info.size > max) throw errors.maxSizeExceeded();
  return { info, response };
}

/** Makes the upload in the store, and tells the news. */
export async function makeUpload(
  engine: Engine,
  exchange: Exchange,
  wanted: FileInfo,
  context: StoreContext,
): Promise<LoadedUpload> {
  failIfOver(context);
  const upload = await engine.store.newUpload(wanted, context);
  const info = await upload.getInfo(context);
  engine.metrics.uploadsCreated += 1;
  engine.debug(
    'UploadCreated',
    exchange,
    'id',
    info.id,
    'size',
    info.sizeIsDeferred ? 'deferred' : String(info.size),
  );
  engine.notify('created', exchange, info);
  return { upload, info };
}

/** An upload as the request wants it, before a hook has seen it. */
export function draftOf(engine: Engine, request: CreateRequest): FileInfo {
  return {
    id: newUploadId(),
    size: request.length ?? 0,
    sizeIsDeferred: request.length === undefined,
    offset: 0,
    metaData: request.metaData,
    metaDataHeader: request.metaDataHeader,
    isPartial: request.concat?.kind === 'partial',
    isFinal: false,
    partialUploads: [],
    concatHeader: request.concatHeader,
    createdAt: new Date(),
    expiresAt: nextExpiry(engine),
    protocol: request.protocol,
    state: isStateWritten(engine, request) ? 'receiving' : undefined,
    digests: request.digests,
  };
}

/** Without a hook that may disagree, offset = length says that a tus upload is finished; in the draft it never does. */
function isStateWritten(engine: Engine, { protocol }: CreateRequest): boolean {
  return protocol === 'ietf' || keepsState(engine);
}

function applyChanges(draft: FileInfo, changes: FileInfoChanges | undefined): FileInfo {
  if (!changes) return draft;
  const { id = draft.id, metaData, storage, maxSize, expiresAt, context } = changes;
  return {
    ...draft,
    id,
    metaData: metaData ?? draft.metaData,
    metaDataHeader: metaData ? undefined : draft.metaDataHeader,
    storage: storage ? { ...storage } : draft.storage,
    maxSize: maxSize ?? draft.maxSize,
    expiresAt: expiresAt ?? draft.expiresAt,
    context: context ?? draft.context,
  };
}

function failIfTooLarge(engine: Engine, { length, content }: CreateRequest): void {
  const { maxSize } = engine.config;
  if (maxSize > 0 && (length ?? content?.length ?? 0) > maxSize) throw errors.maxSizeExceeded();
  if (length === undefined && !engine.composer.usesLengthDeferrer) throw errors.notImplemented();
  if (length !== undefined && (content?.length ?? 0) > length) throw errors.sizeExceeded();
}

/** Goes on under the lock that is held, or under that of the id which the store chose instead. */
async function whileLocked(
  engine: Engine,
  exchange: Exchange,
  { info }: LoadedUpload,
  lockedId: string,
  held: OperationScope,
  work: (context: OperationScope) => Promise<Settled>,
): Promise<Settled> {
  return info.id === lockedId ? work(held) : underLock(engine, exchange, info.id, work);
}

/** creation-with-upload; and an empty upload, which is complete without a byte. */
async function receiveFirst(
  engine: Engine,
  exchange: Exchange,
  { upload, info }: LoadedUpload,
  content: IncomingContent | undefined,
  context: OperationScope,
): Promise<Settled> {
  try {
    const received = content ? await receive(engine, exchange, upload, info, content, context) : { info };
    if (isTooLong(received.failure)) throw received.failure;
    return await settle(engine, exchange, upload, received, context);
  } catch (error) {
    if (!isHttpError(error)) throw error;
    // A client that sent more than it announced gets no upload; any other learns its URL, so that it can go on.
    if (!isTooLong(error)) throw asHttpError(error).with({ header: { Location: exchange.urlOf(info.id) } });
    await remove(engine, exchange, upload, info, context);
    throw error;
  }
}
