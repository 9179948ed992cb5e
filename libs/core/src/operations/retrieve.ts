import type { Engine } from '../engine.js';
import type { Exchange } from '../exchange.js';
import { stateOf } from '../file-info.js';
import { download } from './download.js';
import type { Outcome, UploadRequest } from './operation.js';
import { status } from './status.js';

/**
 * Answers GET in the draft: the content of a complete upload, the offset of another one.
 *
 * draft -12: "The client … sends a HEAD or GET request to the upload resource" to learn its offset.
 */
export async function retrieve(engine: Engine, exchange: Exchange, request: UploadRequest): Promise<Outcome> {
  const upload = await engine.store.getUpload(request.uploadId, {});
  const isComplete = stateOf(await upload.getInfo({})) === 'finished';
  return isComplete ? download(engine, exchange, request) : status(engine, exchange, request);
}
