import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TusHandler } from '@nestjs-tus/core';
import { openExchange } from './exchanges.js';
import type { OpenExchange, OpenRoute } from './exchanges.js';
import { collectionPathOf } from './path-pattern.js';
import { targetOf } from './raw.js';

/** One registration of TusModule, as its controller and the front door see it. */
export class TusEndpoint {
  constructor(
    readonly name: string,
    readonly handler: TusHandler,
  ) {}

  /** @param request the framework's own, for hooks and events */
  open(
    req: IncomingMessage,
    res: ServerResponse,
    uploadId: string | undefined,
    request: unknown,
  ): OpenExchange {
    return openExchange(this.handler, req, res, (): OpenRoute => {
      return { uploadId, collectionPath: collectionPathOf(targetOf(req), uploadId !== undefined), request };
    });
  }
}
