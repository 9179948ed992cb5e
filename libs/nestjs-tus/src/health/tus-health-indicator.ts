import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService } from '@nestjs/terminus';
import type { HealthIndicatorResult } from '@nestjs/terminus';
import { ErrNotFound, hasCode, newUploadId, type StoreCheck, type StoreComposer } from '@nestjs-tus/core';
import { getTusComposerToken } from '../tus.tokens.js';

export interface TusHealthOptions {
  /** Name of the endpoint; left out: the unnamed one. */
  readonly endpoint?: string;
  /** Down when the store has less room than this many bytes, where it can tell. Default 0: not looked at. */
  readonly minFreeBytes?: number;
  /** Down when store and locker have not answered after so many milliseconds. Default 5,000. */
  readonly timeout?: number;
}

/**
 * Tells Terminus whether uploads can be stored: the store is writable, the locker gives locks, there is room.
 *
 * @example
 * \@Get()
 * \@HealthCheck()
 * check() {
 *   return this.health.check([() => this.tus.check('uploads', { minFreeBytes: 2 ** 30 })]);
 * }
 */
@Injectable()
export class TusHealthIndicator {
  constructor(
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(ModuleRef) private readonly modules: ModuleRef,
  ) {}

  /** @throws UnknownElementException when there is no such endpoint */
  async check<const Key extends string>(
    key: Key,
    { endpoint, minFreeBytes = 0, timeout = 5_000 }: TusHealthOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const composer = this.modules.get<StoreComposer>(getTusComposerToken(endpoint), { strict: false });
    const indicator = this.indicators.check(key);
    const [store, locker] = await Promise.all([
      outcomeOf(checkStore(composer), timeout),
      outcomeOf(checkLocker(composer), timeout),
    ]);
    const freeBytes = store.value?.freeBytes;
    const hasRoom = freeBytes === undefined || freeBytes >= minFreeBytes;
    const details = {
      store: store.failure ?? (hasRoom ? 'writable' : `less than ${minFreeBytes} bytes free`),
      locker: locker.failure ?? 'reachable',
      ...(freeBytes !== undefined && { freeBytes }),
    };
    return store.failure || locker.failure || !hasRoom ? indicator.down(details) : indicator.up(details);
  }
}

interface CheckOutcome<T> {
  readonly value?: T;
  readonly failure?: string;
}

async function checkStore({ core }: StoreComposer): Promise<StoreCheck> {
  if (core?.check) return core.check();
  // A store that answers "not found" for a new id has been reached; more is not known of it.
  try {
    await core?.getUpload(newUploadId(), {});
  } catch (error) {
    if (!hasCode(error, ErrNotFound)) throw error;
  }
  return {};
}

/** Takes a lock that nobody else can want, and gives it back. */
async function checkLocker({ locker }: StoreComposer): Promise<void> {
  const lock = locker?.newLock(newUploadId());
  if (!lock) return;
  const take = lock.tryLock?.() ?? lock.lock(new AbortController().signal, () => undefined);
  if ((await take) !== false) await lock.unlock();
}

async function outcomeOf<T>(check: Promise<T>, timeout: number): Promise<CheckOutcome<T>> {
  const timer = new AbortController();
  const late = pause(timeout, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`no answer within ${timeout} ms`);
  });
  try {
    return { value: await Promise.race([check, late]) };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}
