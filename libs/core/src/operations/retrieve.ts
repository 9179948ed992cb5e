import type { Engine } from '../engine.js';
import type { Exchange } from '../exchange.js';
import { stateOf } from '../file-info.js';
import { download } from './download.js';
import type { Outcome, UploadRequest } from './operation.js';
import { status } from './status.js';

/**
 * Answers GET in the draft: the content of a complete upload, the offset of another one.
 *
 * Draft -12 lets a client ask for the offset by GET as well as by HEAD.
 */
export async function retrieve(engine: Engine, exchange: Exchange, request: UploadRequest): Promise<Outcome> {
  const upload = await engine.store.getUpload(request.uploadId, {});
  const isComplete = stateOf(await upload.getInfo({})) === 'finished';
  return isComplete ? download(engine, exchange, request) : status(engine, exchange, request);
}
