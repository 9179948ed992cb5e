import type { Engine } from '../engine.js';
import type { Exchange } from '../exchange.js';
import { stateOf } from '../file-info.js';
import { downloadOf } from './download.js';
import type { Outcome, UploadRequest } from './operation.js';
import { status } from './status.js';

/**
 * Answers GET in the draft: the content of a complete upload, the offset of another one.
 *
 * Draft -12 lets a client ask for the offset by GET as well as by HEAD.
 */
export async function retrieve(engine: Engine, exchange: Exchange, request: UploadRequest): Promise<Outcome> {
  const upload = await engine.store.getUpload(request.uploadId, {});
  const info = await upload.getInfo({});
  const isComplete = stateOf(info) === 'finished';
  return isComplete ? downloadOf(upload, info, exchange) : status(engine, exchange, request);
}
