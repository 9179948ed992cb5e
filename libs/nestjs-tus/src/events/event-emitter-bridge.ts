import type { DiscoveryService } from '@nestjs/core';
import type { TusLogger } from '@nestjs-tus/core';
import type { Subscription } from 'rxjs';
import type { TusEvents } from './tus-events.js';

/** What the bridge needs of EventEmitter2. */
interface Emitter {
  emitAsync(name: string, event: unknown): Promise<unknown>;
}

/**
 * The app's EventEmitter2, if it has an EventEmitterModule. Found by what its token can do: the package is an optional
 * peer, not to be imported, and the class calls itself EventEmitter, as Node's does.
 */
export function findEventEmitter(discovery: DiscoveryService): Emitter | undefined {
  const wrapper = discovery
    .getProviders()
    .find(({ token, isAlias }) => typeof token === 'function' && isEmitter(token.prototype) && !isAlias);
  const instance: unknown = wrapper?.instance;
  return isEmitter(instance) ? instance : undefined;
}

/** Passes all events on to EventEmitter2, under the names of `TusEventName`. */
export function bridgeEvents(events: TusEvents, emitter: Emitter, logger: TusLogger): Subscription {
  return events.all$.subscribe((event) => {
    // Not `emit`: the rejection of an async listener that was added by hand would end the process.
    emitter
      .emitAsync(event.name, event)
      .catch((error: unknown) => logger.error(`a listener of ${event.name} failed`, error));
  });
}

function isEmitter(value: unknown): value is Emitter {
  return (
    typeof value === 'object' &&
    value !== null &&
    'emitAsync' in value &&
    typeof value.emitAsync === 'function'
  );
}
