import type { ExecutionContext } from '@nestjs/common';
import type { TusOperation } from '@nestjs-tus/core';
import { exchangeOf } from './exchanges.js';
import { rawRequest } from './raw.js';
import type { FrameworkRequest } from './raw.js';
import { TusController } from './tus.controller.js';

/**
 * What an upload request is about, after method override: for guards and interceptors.
 *
 * @returns undefined on the app's other routes, which a global guard sees too
 * @example
 * canActivate(context: ExecutionContext) {
 *   return getTusOperation(context)?.name !== 'terminate' || isAdmin(context);
 * }
 */
export function getTusOperation(context: ExecutionContext): TusOperation | undefined {
  if (context.getType() !== 'http' || !(context.getClass().prototype instanceof TusController))
    return undefined;
  return exchangeOf(rawRequest(context.switchToHttp().getRequest<FrameworkRequest>()))?.exchange.operation;
}
