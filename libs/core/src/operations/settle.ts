import { isTooLong } from '../body/too-long.js';
import type { Engine } from '../engine.js';
import { hasCode, ErrUploadStoppedByServer } from '../errors.js';
import type { HookResponse } from '../events/hook-event.js';
import type { Exchange } from '../exchange.js';
import { hasAllBytes, type FileInfo } from '../file-info.js';
import type { Upload } from '../store/data-store.js';
import { postponeExpiry } from './expiry.js';
import { finish } from './finish.js';
import type { Received } from './receive.js';
import { remove } from './terminate.js';
import type { OperationScope } from './under-lock.js';

/** What a request that stored bytes ends with. */
export interface Settled {
  readonly info: FileInfo;
  readonly response?: HookResponse;
}

/**
 * Brings an upload to rest after a body: finished, terminated because a listener stopped it, or waiting for the next one.
 * @throws HttpError why the body was cut; what arrived is kept
 */
export async function settle(
  engine: Engine,
  exchange: Exchange,
  upload: Upload,
  { info, failure }: Received,
  scope: OperationScope,
): Promise<Settled> {
  if (failure && hasCode(failure, ErrUploadStoppedByServer)) {
    await remove(engine, exchange, upload, info, scope);
    throw failure;
  }
  if (hasAllBytes(info)) {
    const finished = await finish(engine, exchange, upload, info, scope);
    // A body that was longer than the upload is told so; one that was cut after its last byte has succeeded.
    if (isTooLong(failure)) throw failure;
    return finished;
  }
  const kept = await postponeExpiry(engine, upload, info, scope);
  if (failure) throw failure;
  return { info: kept };
}
