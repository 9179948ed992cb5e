import type { Engine } from '../engine.js';
import type { HookCallback, HookResult } from '../events/hook-event.js';
import { hookEventOf } from '../events/make-hook-event.js';
import type { Exchange } from '../exchange.js';
import type { FileInfo } from '../file-info.js';
import type { HookName } from '../metrics.js';
import { asHttpError } from '../refusal.js';

/** Of a hook that nobody has written. */
export const NO_ANSWER: HookResult = {};

/**
 * Asks a hook.
 * @throws HttpError its refusal; or 500 without its text when it threw something that is no HTTP error
 */
export async function runHook(
  engine: Engine,
  name: HookName,
  hook: HookCallback,
  exchange: Exchange,
  info: FileInfo,
): Promise<HookResult> {
  const started = performance.now();
  try {
    return (await hook(hookEventOf(exchange, info))) ?? {};
  } catch (error) {
    throw asHttpError(error);
  } finally {
    engine.metrics.hookTime[name].observe(performance.now() - started);
  }
}
