import type { Engine } from '../engine.js';
import { ErrUploadInvalidated, HttpError, isHttpError } from '../errors.js';
import type { HookCallback, HookResponse } from '../events/hook-event.js';
import { mergeResponses } from '../events/merge-responses.js';
import { hookEventOf } from '../events/make-hook-event.js';
import { readResponse } from '../events/read-response.js';
import type { Exchange } from '../exchange.js';
import type { FileInfo, KeptAnswer } from '../file-info.js';
import { asHttpError } from '../refusal.js';
import type { StoreContext, Upload } from '../store/data-store.js';
import { confirmDigests } from './confirm-digests.js';
import { completedAnswer } from './kept-answer.js';
import { failIfOver, update } from './update.js';
import { NO_ANSWER, runHook } from './run-hook.js';

export interface Finished {
  readonly info: FileInfo;
  readonly response?: HookResponse;
}

/**
 * Finishes an upload whose bytes are all stored: the store's part, the hook's consent, the news. Runs under its lock.
 *
 * Until the hook has agreed the upload is `finishing`: a later PATCH or HEAD comes here again. A refusal with a 4xx is
 * final; anything else may pass.
 * @throws HttpError the hook's refusal
 */
export async function finish(
  engine: Engine,
  exchange: Exchange | undefined,
  upload: Upload,
  info: FileInfo,
  context: StoreContext,
): Promise<Finished> {
  await upload.finishUpload(context);
  const hook = info.isPartial ? undefined : engine.config.preFinishResponseCallback;
  const hasJudge = hook !== undefined || info.digests !== undefined;
  const response = hasJudge ? await judge(engine, exchange, hook, upload, info, context) : undefined;
  failIfOver(context);
  const finished: FileInfo = { ...info, state: 'finished' };
  const untold = engine.config.postFinishCallback && !info.isPartial ? true : undefined;
  // Without a stored state, offset = length says it.
  if (info.state !== undefined || untold) {
    const answer = completedAnswer(info, response);
    await update(engine, upload, { state: 'finished', expiresAt: null, answer, untold }, context);
  }
  engine.metrics.uploadsFinished += 1;
  engine.log('UploadFinished', exchange, 'id', info.id, 'size', String(info.size));
  // "The Server SHOULD NOT process these partial uploads until they are concatenated".
  if (!info.isPartial) engine.notify('completed', exchange, finished);
  if (untold) engine.outbox.post(info.id, exchange && hookEventOf(exchange, finished));
  return { info: finished, response };
}

/** True when a hook has a say once all bytes are there: then offset = length alone does not say that an upload is finished. */
export function keepsState({ config, composer }: Engine): boolean {
  return composer.usesUpdater && !!(config.preFinishResponseCallback ?? config.postFinishCallback);
}

/** Writes a state down for an upload that was begun before there was a hook: the process may end after its last byte. */
export async function keepState(
  engine: Engine,
  upload: Upload,
  info: FileInfo,
  context: StoreContext,
): Promise<FileInfo> {
  if (info.state !== undefined || !keepsState(engine)) return info;
  await update(engine, upload, { state: 'receiving' }, context);
  return { ...info, state: 'receiving' };
}

/** Whether an upload is as it was announced, and then what the hook says to it. */
async function judge(
  engine: Engine,
  exchange: Exchange | undefined,
  hook: HookCallback | undefined,
  upload: Upload,
  info: FileInfo,
  context: StoreContext,
): Promise<HookResponse | undefined> {
  try {
    const digest = await confirmDigests(engine, upload, info, context);
    const { response } =
      exchange && hook ? await runHook(engine, 'preFinishResponse', hook, exchange, info) : NO_ANSWER;
    return digest ? mergeResponses({ header: { 'Repr-Digest': digest } }, response) : response;
  } catch (error) {
    throw isHttpError(error) && isFinal(error)
      ? await reject(engine, upload, asHttpError(error), context)
      : error;
  }
}

/** Refuses an upload for good: from now on `refusal` is the answer to each request for it. Gives the error to be thrown. */
export async function reject(
  engine: Engine,
  upload: Upload,
  refusal: HttpError,
  context: StoreContext,
): Promise<HttpError> {
  await update(engine, upload, { state: 'rejected', answer: keep(refusal) }, context);
  return refusal.asFinalAnswer();
}

/** A client that is refused with a 4xx has nothing to wait for; 408, 423, 425 and 429 ask it to come back. */
function isFinal({ status }: HttpError): boolean {
  return status >= 400 && status < 500 && ![408, 423, 425, 429].includes(status);
}

function keep(error: HttpError): KeptAnswer {
  return {
    statusCode: error.status,
    header: { ...error.header },
    body: error.body ?? `${error.code}: ${error.message}`,
  };
}

/** The refusal that was kept with an upload, as an error again. */
export function keptRefusal({ answer }: FileInfo): HttpError {
  const { statusCode: status = 400, header = {}, body = '' } = readResponse(answer ?? {}).response;
  const [, code = 'ERR_UPLOAD_REJECTED', message = ''] = /^(ERR_\w+): (.*)$/s.exec(body) ?? [];
  // The protocol's own verdict is no answer of whoever the upload was for.
  const isFinalAnswer = code !== ErrUploadInvalidated.code;
  return new HttpError(
    { code, status, message },
    { header, body: message ? undefined : body, isFinalAnswer },
  );
}
