import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { TusOperation } from '@nestjs-tus/core';
import { openExchangeOf } from './context-exchange.js';

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
  return openExchangeOf(context)?.exchange.operation;
}

/**
 * Gives a handler of your own TusController subclass what `getTusOperation` gives guards.
 *
 * @example
 * \@Post()
 * override create(\@Req() request: Request, \@Res() response: Response, \@CurrentTusOperation() operation: TusOperation) {
 *   this.audit.log(operation.name);
 *   return super.create(request, response);
 * }
 */
export const CurrentTusOperation = createParamDecorator((_data: undefined, context: ExecutionContext) =>
  getTusOperation(context),
);
