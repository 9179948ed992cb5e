import type { Engine } from '../engine.js';
import { errors, isHttpError } from '../errors.js';
import type { Exchange } from '../exchange.js';
import { hasAllBytes, stateOf, type FileInfo } from '../file-info.js';
import { failIfExpired } from './expiry.js';
import { finish, keptRefusal } from './finish.js';
import { BUSY, joinIfComplete } from './join.js';
import type { Outcome, UploadRequest } from './operation.js';
import { underLock, type OperationScope } from './under-lock.js';

/**
 * Tells how much of an upload is stored. Whoever is receiving it is made to let go first, so that the answer is the offset at
 * which the next PATCH succeeds.
 *
 * tus 1.0.0: "The Server MUST always include the Upload-Offset header in the response for a HEAD request, even if the offset is 0,
 * or the upload is already considered completed."
 */
export async function status(engine: Engine, exchange: Exchange, request: UploadRequest): Promise<Outcome> {
  const exists = async () => void (await engine.store.getUpload(request.uploadId, {}));
  const info = await underLock(
    engine,
    exchange,
    request.uploadId,
    (scope) => settledInfo(engine, exchange, request, scope),
    {
      precheck: exists,
    },
  );
  if (info.isFinal && stateOf(info) === 'receiving') {
    const joined = await joinIfComplete(engine, exchange, info.id);
    // While a lock is taken it is as it was: the client asks again.
    return { kind: 'status', info: joined === BUSY || joined === undefined ? info : joined };
  }
  return { kind: 'status', info };
}

async function settledInfo(
  engine: Engine,
  exchange: Exchange,
  { uploadId, protocol, completesAtLength }: UploadRequest,
  scope: OperationScope,
): Promise<FileInfo> {
  const upload = await engine.store.getUpload(uploadId, scope);
  const info = await upload.getInfo(scope);
  failIfExpired(info);
  const state = stateOf(info);
  if (state === 'rejected') throw keptRefusal(info);
  const waitsForClient = state === 'receiving' && hasAllBytes(info) && !info.isFinal;
  // tus has no word for a draft upload that has all its bytes and is not complete; as a 200 the client would take it for complete.
  if (waitsForClient && protocol === 'tus') throw errors.uploadFinishing();
  if (state !== 'finishing' && !(waitsForClient && completesAtLength)) return info;
  try {
    return (await finish(engine, exchange, upload, info, scope)).info;
  } catch (error) {
    // The hook's own refusal counts; anything else passes, and a 200 with offset = length would say it had agreed.
    if (isHttpError(error) && error.status < 500) throw error;
    throw errors.uploadFinishing(error);
  }
}
