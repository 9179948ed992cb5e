import type { ExecutionContext } from '@nestjs/common';
import { exchangeOf } from './exchanges.js';
import type { OpenExchange } from './exchanges.js';
import { rawRequest } from './raw.js';
import type { FrameworkRequest } from './raw.js';
import { TusController } from './tus.controller.js';

/**
 * The exchange that a route of an endpoint is about to answer; undefined on all other routes, and for a request that the front door has
 * not opened for this endpoint.
 */
export function openExchangeOf(context: ExecutionContext): OpenExchange | undefined {
  if (context.getType() !== 'http' || !(context.getClass().prototype instanceof TusController))
    return undefined;
  const open = exchangeOf(rawRequest(context.switchToHttp().getRequest<FrameworkRequest>()));
  return open?.controller === context.getClass() ? open : undefined;
}
