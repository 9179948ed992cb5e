import type { Exchange, Outcome } from '@nestjs-tus/core';
import type { OpenExchange } from './exchanges.js';
import { takeOver } from './raw.js';
import type { FrameworkResponse } from './raw.js';

/** What interceptors see of an outcome: no stream, and nothing that does anything when it is called. */
export type TusOutcome = Outcome;

/** By exchange: an interceptor may ask the handler as often as it likes. */
const answers = new WeakMap<Exchange, Promise<TusOutcome>>();

/**
 * Runs the operation of a request and writes its answer: once, however often it is called.
 *
 * @returns the outcome without its stream, when the answer is out
 * @throws HttpError for the filter of the endpoint, which writes it
 */
export function answerOnce(open: OpenExchange, response: FrameworkResponse): Promise<TusOutcome> {
  const known = answers.get(open.exchange);
  if (known) return known;
  const answer = run(open, response);
  answers.set(open.exchange, answer);
  return answer;
}

/** The answer that is being given to a request, or has been. */
export function givenAnswer({ exchange }: OpenExchange): Promise<TusOutcome> | undefined {
  return answers.get(exchange);
}

async function run({ handler, exchange }: OpenExchange, response: FrameworkResponse): Promise<TusOutcome> {
  const outcome = await handler.run(exchange);
  takeOver(response);
  await handler.respond(exchange, outcome);
  return withoutStream(outcome);
}

function withoutStream(outcome: Outcome): TusOutcome {
  if (outcome.kind !== 'download') return outcome;
  const { kind, status, headers } = outcome;
  return { kind, status, headers };
}
