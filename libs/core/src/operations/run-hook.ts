import type { Engine } from '../engine.js';
import type { HttpError } from '../errors.js';
import type { HookCallback, HookResult } from '../events/hook-event.js';
import { hookEventOf } from '../events/make-hook-event.js';
import type { Exchange } from '../exchange.js';
import type { FileInfo } from '../file-info.js';
import type { HookName } from '../metrics.js';
import { asHttpError } from '../refusal.js';
import { readHookAnswer, withoutProtocolFields } from './hook-answer.js';

/** Of a hook that nobody has written. */
export const NO_ANSWER: HookResult = {};

/**
 * Asks a hook. What it returns and what it throws is checked here, and nowhere else: what comes out can be stored and sent.
 *
 * It is waited for until the time of the operation is up. The operation that called it ends then, and gives back what it has opened: only the
 * hook is left alone.
 * @throws HttpError its refusal; or 500 without its text when it threw something that is no HTTP error, or returned what it must not;
 *   `ERR_OPERATION_ABANDONED` (503) when it has not ended in time
 */
export async function runHook(
  engine: Engine,
  name: HookName,
  hook: HookCallback,
  exchange: Exchange,
  info: FileInfo,
): Promise<HookResult> {
  const started = performance.now();
  exchange.keepEarlyBody();
  let answer: unknown;
  try {
    const asked = (async () => hook(hookEventOf(exchange, info)))();
    answer = await exchange.deadline.within(asked, 0);
  } catch (error) {
    throw withoutProtocol(engine, name, asHttpError(error));
  } finally {
    engine.metrics.hookTime[name].observe(performance.now() - started);
  }
  const { changes, response } = readHookAnswer(name, answer);
  if (changes && name !== 'preUploadCreate') {
    engine.warnOnce(
      `the changes that ${name} returned are ignored: only preUploadCreate can change an upload`,
    );
  }
  if (!response) return { changes };
  const own = withoutProtocolFields(response);
  warnOfIgnored(engine, name, own.ignored);
  return { changes, response: own.response };
}

function withoutProtocol(engine: Engine, name: HookName, refusal: HttpError): HttpError {
  const { response, ignored } = withoutProtocolFields({ header: refusal.header });
  warnOfIgnored(engine, name, ignored);
  return ignored.length > 0 ? refusal.withHeader(response.header) : refusal;
}

function warnOfIgnored(engine: Engine, name: HookName, ignored: readonly string[]): void {
  if (ignored.length === 0) return;
  engine.warnOnce(`${name} answered with ${ignored.join(', ')}: the protocol's own, ignored; leave them out`);
}
