import type { Engine } from '../engine.js';
import { errors } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { stateOf, type FileInfo } from '../file-info.js';
import type { Upload } from '../store/data-store.js';
import { appendDraft, isDraftAppend } from './append-draft.js';
import { settle } from './settle.js';
import { failIfExpired } from './expiry.js';
import { finish, keepState, keptRefusal } from './finish.js';
import { joinFinalsOf, rememberAwaiting } from './join.js';
import type { AppendRequest, IncomingContent, Outcome } from './operation.js';
import { failIfForeign } from './ownership.js';
import { expectNothing, failIfConsumed, maxSizeOf, receive, type Received } from './receive.js';
import { underLock, type OperationScope } from './under-lock.js';

/**
 * Appends the request's body to an upload.
 *
 * tus 1.0.0: "The Server SHOULD accept PATCH requests against any upload URL and apply the bytes contained in the message at the
 * given offset … If the offsets do not match, the Server MUST respond with the 409 Conflict status without modifying the upload
 * resource … The Server MUST acknowledge successful PATCH requests with the 204 No Content status. It MUST include the Upload-Offset
 * header containing the new offset."
 */
export async function append(engine: Engine, exchange: Exchange, request: AppendRequest): Promise<Outcome> {
  const precheck = async () => {
    const upload = await engine.store.getUpload(request.uploadId, {});
    const info = await upload.getInfo({});
    failIfClosed(info);
    failIfForeign(info, request);
    // It only grows: a request that begins before it will not fit when the holder has let go, either.
    if (request.offset < info.offset) throw errors.mismatchOffset(info.offset);
  };
  const outcome = await underLock(
    engine,
    exchange,
    request.uploadId,
    async (scope) =>
      appendTo(engine, exchange, await engine.store.getUpload(request.uploadId, scope), request, scope),
    { precheck },
  );
  const { info } = outcome;
  if (info.isPartial && stateOf(info) === 'finished') await joinFinalsOf(engine, exchange, info);
  return outcome;
}

async function appendTo(
  engine: Engine,
  exchange: Exchange,
  upload: Upload,
  request: AppendRequest,
  scope: OperationScope,
): Promise<Extract<Outcome, { kind: 'appended' }>> {
  const info = await upload.getInfo(scope);
  failIfClosed(info);
  failIfForeign(info, request);
  if (request.offset !== info.offset) throw errors.mismatchOffset(info.offset);
  if (isDraftAppend(request)) {
    return { kind: 'appended', ...(await appendDraft(engine, exchange, { upload, info }, request, scope)) };
  }
  const state = stateOf(info);
  if (state === 'finished' || state === 'finishing') {
    failUnlessSameLength(info, request.declaredLength);
    await expectNothing(engine, exchange, info, request.content);
    if (state === 'finished') return { kind: 'appended', info };
    return { kind: 'appended', ...(await finish(engine, exchange, upload, info, scope)) };
  }
  const sized = withDeclaredLength(engine, info, request);
  failIfConsumed(exchange);
  const kept = await keepState(engine, upload, info, scope);
  const received = await receiveSized(engine, exchange, upload, { kept, sized }, request.content, scope);
  try {
    return { kind: 'appended', ...(await settle(engine, exchange, upload, received, scope)) };
  } finally {
    await rememberAwaiting(engine, upload, received.info, scope);
  }
}

/** What no body can change any more. */
function failIfClosed(info: FileInfo): void {
  failIfExpired(info);
  // "The Server MUST respond with the 403 Forbidden status to PATCH requests against a final upload URL".
  if (info.isFinal) throw errors.modifyFinal();
  if (stateOf(info) === 'rejected') throw keptRefusal(info);
}

/** "Once it has been set the length MUST NOT be changed": the same one again changes nothing. */
function failUnlessSameLength(info: FileInfo, declared: number | undefined): void {
  if (declared !== undefined && declared !== info.size) throw errors.invalidUploadLength();
}

/** The info with the length that the request declares, if it may. Nothing is stored of it yet. */
function withDeclaredLength(
  engine: Engine,
  info: FileInfo,
  { declaredLength, content }: AppendRequest,
): FileInfo {
  if (declaredLength === undefined) return info;
  if (!info.sizeIsDeferred) {
    failUnlessSameLength(info, declaredLength);
    return info;
  }
  if (!engine.composer.lengthDeferrer) throw errors.notImplemented();
  if (declaredLength < info.offset) throw errors.invalidUploadLength();
  const max = maxSizeOf(engine, info);
  if (max > 0 && declaredLength > max) throw errors.maxSizeExceeded();
  // A request that must fail leaves the length open.
  if (content.length !== undefined && info.offset + content.length > declaredLength)
    throw errors.sizeExceeded();
  return { ...info, size: declaredLength, sizeIsDeferred: false };
}

/**
 * Stores the body, and the length that came with it. A body with a checksum is verified first: one that is refused changes nothing, the
 * length included. Without one all that arrives counts, so that the store may as well know the length before it, and plan for it.
 */
async function receiveSized(
  engine: Engine,
  exchange: Exchange,
  upload: Upload,
  { kept, sized }: { readonly kept: FileInfo; readonly sized: FileInfo },
  content: IncomingContent,
  scope: OperationScope,
): Promise<Received> {
  const wanted = { ...kept, size: sized.size, sizeIsDeferred: sized.sizeIsDeferred };
  const declare = async () => {
    if (kept.sizeIsDeferred && !sized.sizeIsDeferred) await declareLength(engine, upload, sized.size, scope);
  };
  if (!content.checksum) {
    await declare();
    return receive(engine, exchange, upload, wanted, content, scope);
  }
  const received = await receive(engine, exchange, upload, wanted, content, scope);
  // A body that was cut cannot be verified: nothing of it counts.
  if (received.failure)
    return {
      info: { ...received.info, size: kept.size, sizeIsDeferred: kept.sizeIsDeferred },
      failure: received.failure,
    };
  await declare();
  return received;
}

async function declareLength(
  engine: Engine,
  upload: Upload,
  length: number,
  scope: OperationScope,
): Promise<void> {
  await engine.composer.lengthDeferrer?.asLengthDeclarableUpload(upload).declareLength(length, scope);
}
