import type { Engine } from '../engine.js';
import { errors } from '../errors.js';
import { readResponse } from '../events/read-response.js';
import type { Exchange } from '../exchange.js';
import { stateOf, type FileInfo, type RepresentationDigests } from '../file-info.js';
import type { DraftTerms } from './draft-terms.js';
import { finish } from './finish.js';
import type { LoadedUpload } from './join.js';
import type { AppendRequest } from './operation.js';
import { expectNothing, maxSizeOf } from './receive.js';
import { declare, invalidate, receiveDraft } from './receive-draft.js';
import type { Settled } from './settle.js';
import type { OperationScope } from './under-lock.js';

export type DraftAppend = AppendRequest & { readonly draft: DraftTerms };

export function isDraftAppend(request: AppendRequest): request is DraftAppend {
  return request.draft !== undefined;
}

/**
 * Appends to an upload of the draft, at an offset that is right. The checks come in the order in which a client can do something about
 * them: the size of this request, then what no request can repair, then what it tells wrongly.
 *
 * Checklist A5 and A6: what completes the upload is answered as the creation would have been, with `Upload-Complete: ?1`; anything
 * else by 2xx with `?0`.
 */
export async function appendDraft(
  engine: Engine,
  exchange: Exchange,
  { upload, info }: LoadedUpload,
  request: DraftAppend,
  scope: OperationScope,
): Promise<Settled> {
  const state = stateOf(info);
  if (state === 'finished' || state === 'finishing') {
    failUnlessSameLength(info, request.declaredLength);
    await expectNothing(engine, exchange, info, request.content);
    return state === 'finished'
      ? repeatCompletion(info, request.draft)
      : finish(engine, exchange, upload, info, scope);
  }
  const { maxAppendSize } = engine.config;
  if (maxAppendSize > 0 && (request.content.length ?? 0) > maxAppendSize) throw errors.appendTooLarge();
  if (overflows(info, request)) {
    if (request.draft.overflow === 'invalidate') await invalidate(engine, exchange, upload, info, scope);
    throw errors.sizeExceeded();
  }
  const length = agreedLength(info, request);
  const max = maxSizeOf(engine, info);
  if (max > 0 && (length ?? endOf(request) ?? 0) > max) throw errors.maxSizeExceeded();
  failIfTooSmall(engine, info, request);
  const sized =
    length !== undefined && info.sizeIsDeferred ? await declare(engine, upload, info, length, scope) : info;
  const asked = { ...sized, digests: withDigestsOf(request, info.digests) };
  return receiveDraft(engine, exchange, { upload, info: asked }, request, scope);
}

/** What the last request says of the whole counts beside what the first one said. */
function withDigestsOf(
  { digests, draft }: DraftAppend,
  known: RepresentationDigests | undefined,
): RepresentationDigests | undefined {
  if (!digests || !draft.completes) return known;
  const expected = [known?.expected, digests.expected].filter((field) => field !== undefined);
  return {
    expected: expected.length > 0 ? expected.join(', ') : undefined,
    wanted: digests.wanted ?? known?.wanted,
  };
}

/**
 * A request to an upload that is complete. The client may not have got the response, and asks for it again.
 *
 * Checklist A9: draft -12 lets a server give the final response again; -04 to -11 have it refuse, with the problem completed-upload.
 */
function repeatCompletion(info: FileInfo, { completes, repeatedCompletion }: DraftTerms): Settled {
  // Without an answer the upload was complete by its length: its client says so only now.
  if (completes && (repeatedCompletion === 'replay' || !info.answer))
    return { info, response: info.answer && readResponse(info.answer).response };
  throw errors.uploadCompleted();
}

/** Where the request's content ends in the upload; undefined when its length is not known. */
function endOf({ offset, content }: DraftAppend): number | undefined {
  return content.length === undefined ? undefined : offset + content.length;
}

/** Checklist ST7: the offset never exceeds the length. A body without a Content-Length shows it only when it comes. */
function overflows(info: FileInfo, request: DraftAppend): boolean {
  return !info.sizeIsDeferred && (endOf(request) ?? 0) > info.size;
}

/**
 * The upload's length, from whatever tells it; undefined when nothing does.
 * @throws HttpError `ERR_INVALID_UPLOAD_LENGTH` (400) when two of them differ
 */
function agreedLength(info: FileInfo, request: DraftAppend): number | undefined {
  const told = [
    info.sizeIsDeferred ? undefined : info.size,
    request.declaredLength,
    request.draft.completes ? endOf(request) : undefined,
  ].filter((length) => length !== undefined);
  const [length] = told;
  if (length === undefined) return undefined;
  const reached = endOf(request) ?? request.offset;
  if (told.some((other) => other !== length) || reached > length) throw errors.invalidUploadLength();
  return length;
}

function failUnlessSameLength(info: FileInfo, declared: number | undefined): void {
  if (declared !== undefined && declared !== info.size) throw errors.invalidUploadLength();
}

/** "min-append-size … does not apply to requests completing the upload"; a body of unknown length is given the benefit of the doubt. */
function failIfTooSmall(engine: Engine, info: FileInfo, request: DraftAppend): void {
  const { content, draft } = request;
  const reachesLength = draft.completesAtLength && !info.sizeIsDeferred && endOf(request) === info.size;
  if (draft.completes || reachesLength || content.length === undefined) return;
  if (content.length < engine.config.minAppendSize) throw errors.appendTooSmall();
}
