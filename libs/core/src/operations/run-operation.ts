import type { Engine } from '../engine.js';
import type { Exchange } from '../exchange.js';
import { append } from './append.js';
import { create } from './create.js';
import { download } from './download.js';
import type { OperationRequest, Outcome } from './operation.js';
import { retrieve } from './retrieve.js';
import { status } from './status.js';
import { terminate } from './terminate.js';

/** Runs the operation that a dialect read out of a request. */
export function runOperation(
  engine: Engine,
  exchange: Exchange,
  request: OperationRequest,
): Promise<Outcome> {
  switch (request.name) {
    case 'create':
      return create(engine, exchange, request);
    case 'append':
      return append(engine, exchange, request);
    case 'status':
      return status(engine, exchange, request);
    case 'download':
      return request.protocol === 'ietf'
        ? retrieve(engine, exchange, request)
        : download(engine, exchange, request);
    case 'terminate':
      return terminate(engine, exchange, request);
  }
}
