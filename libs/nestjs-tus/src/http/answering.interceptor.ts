import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { concatMap, defaultIfEmpty, EMPTY, from, last } from 'rxjs';
import type { Observable } from 'rxjs';
import { answerOnce, givenAnswer } from './answer-once.js';
import { openExchangeOf } from './context-exchange.js';
import type { OpenExchange } from './exchanges.js';
import { rawResponse } from './raw.js';
import type { FrameworkResponse } from './raw.js';
import { TusController } from './tus.controller.js';

/**
 * Stands before all interceptors of an endpoint's routes, and sees to it that each request is answered: the answer is written by the
 * handler, which an interceptor need not call.
 */
export class AnsweringInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler<unknown>): Observable<unknown> {
    const open = openExchangeOf(context);
    // What the app has written in a subclass, Nest answers, or the app itself.
    if (!open || !isOurs(context.getHandler())) return next.handle();
    const response = context.switchToHttp().getResponse<FrameworkResponse>();
    return next.handle().pipe(
      defaultIfEmpty(undefined),
      last(),
      concatMap((value) => answerBehind(open, response, value)),
    );
  }
}

function isOurs(handler: object & { readonly name?: string }): boolean {
  return Reflect.get(TusController.prototype, handler.name ?? '') === handler;
}

/** What is still to be done when all interceptors are through. */
function answerBehind(open: OpenExchange, response: FrameworkResponse, value: unknown): Observable<unknown> {
  const given = givenAnswer(open);
  if (given) return from(given);
  if (rawResponse(response).headersSent) return EMPTY.pipe(defaultIfEmpty(value));
  // A cache gives back what the handler returned before: the content is not in there, and nothing is changed by reading it again.
  if (isReading(open, value)) return from(answerOnce(open, response));
  throw new TypeError(
    'an interceptor has not called next.handle(), and nothing has answered the request: throw an HttpException to refuse it',
  );
}

function isReading({ exchange }: OpenExchange, value: unknown): boolean {
  const { name } = exchange.operation;
  if (name !== 'download' && name !== 'status') return false;
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  return value.kind === 'download' || value.kind === 'status';
}
