import type { Provider, Type } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { MemoryLocker, Metrics, StoreComposer, TusHandler } from '@nestjs-tus/core';
import type { Config, DataStore, Locker } from '@nestjs-tus/core';
import { TusEvents } from './events/tus-events.js';
import { EndpointHooks } from './hooks/endpoint-hooks.js';
import { mountController } from './http/create-tus-controller.js';
import type { TusController } from './http/tus.controller.js';
import { TusEndpoint } from './http/tus-endpoint.js';
import { checkProcesses } from './options/check-processes.js';
import { checkBehaviour } from './options/graph-options.js';
import { engineOptions } from './options/module-options.js';
import type { ProviderRecipe } from './options/provider-recipe.js';
import type { TusGraphOptions, TusModuleOptions } from './options/tus-module-options.js';
import { TusService } from './tus.service.js';
import {
  getTusComposerToken,
  getTusEventsToken,
  getTusHandlerToken,
  getTusLockerToken,
  getTusMetricsToken,
  getTusOptionsToken,
  getTusServiceToken,
  getTusStoreToken,
  TUS_ENDPOINT,
  TUS_GIVEN_OPTIONS,
  TUS_HOOKS,
} from './tus.tokens.js';

const DEFAULT_DIRECTORY = './data';

/** The checked options. The controller gets its path here: it may come from asynchronous configuration. */
export type EndpointOptions = TusModuleOptions & { readonly path: string };

export function createOptionsProvider(
  name: string,
  graph: TusGraphOptions,
  controller: Type<TusController>,
): Provider {
  return {
    provide: getTusOptionsToken(name),
    inject: [TUS_GIVEN_OPTIONS],
    useFactory: (given: unknown): EndpointOptions => {
      const options = naming(name, () => checkBehaviour(given, graph));
      return { ...options, path: mountController(controller, options) };
    },
  };
}

export function createStoreProvider(name: string, { store }: TusGraphOptions): Provider {
  const provide = getTusStoreToken(name);
  if (store) return { ...(store as ProviderRecipe<DataStore>), provide };
  return {
    provide,
    inject: [getTusOptionsToken(name)],
    useFactory: async ({ durability }: TusModuleOptions): Promise<DataStore> => {
      // Loaded here: most apps bring a store of their own.
      const { FileStore } = await import('@nestjs-tus/file-store');
      return new FileStore({ directory: DEFAULT_DIRECTORY, durability });
    },
  };
}

export function createLockerProvider(name: string, { locker }: TusGraphOptions): Provider {
  const provide = getTusLockerToken(name);
  return locker
    ? { ...(locker as ProviderRecipe<Locker>), provide }
    : { provide, useFactory: () => new MemoryLocker() };
}

export function createComposerProvider(name: string): Provider {
  return {
    provide: getTusComposerToken(name),
    inject: [getTusStoreToken(name), getTusLockerToken(name)],
    useFactory: (store: unknown, locker: unknown) =>
      naming(name, () => StoreComposer.of(checkStore(store), checkLocker(locker))),
  };
}

export function createHooksProvider(name: string, { hooks = [] }: TusGraphOptions): Provider {
  return {
    provide: TUS_HOOKS,
    inject: [DiscoveryService],
    useFactory: (discovery: DiscoveryService) => EndpointHooks.collect(discovery, name, hooks),
  };
}

export function createHandlerProvider(name: string): Provider {
  return {
    provide: getTusHandlerToken(name),
    inject: [getTusOptionsToken(name), getTusComposerToken(name), TUS_HOOKS],
    useFactory: (options: EndpointOptions, composer: StoreComposer, hooks: EndpointHooks) =>
      naming(name, () => {
        checkProcesses(composer);
        return new TusHandler(engineConfig(options, composer, hooks));
      }),
  };
}

/** Events, service, and the endpoint as its own controller sees it. */
export function createEndpointProviders(name: string, controller: Type<TusController>): Provider[] {
  return [
    {
      provide: getTusEventsToken(name),
      inject: [getTusHandlerToken(name)],
      useFactory: (handler: TusHandler) => new TusEvents(name, handler.events, handler.config.logger),
    },
    {
      provide: getTusServiceToken(name),
      inject: [getTusComposerToken(name), getTusHandlerToken(name)],
      useFactory: (composer: StoreComposer, handler: TusHandler) => new TusService(composer, handler),
    },
    {
      provide: getTusMetricsToken(name),
      inject: [getTusHandlerToken(name)],
      useFactory: (handler: TusHandler) => handler.metrics,
    },
    {
      provide: TUS_ENDPOINT,
      inject: [getTusHandlerToken(name)],
      useFactory: (handler: TusHandler) => new TusEndpoint(name, handler, controller),
    },
  ];
}

/** Lets the unnamed endpoint be injected by class: `constructor(private readonly events: TusEvents)`. */
export function createClassAliases(): Provider[] {
  return [
    { provide: StoreComposer, useExisting: getTusComposerToken() },
    { provide: TusHandler, useExisting: getTusHandlerToken() },
    { provide: TusEvents, useExisting: getTusEventsToken() },
    { provide: TusService, useExisting: getTusServiceToken() },
    { provide: Metrics, useExisting: getTusMetricsToken() },
  ];
}

function engineConfig(options: EndpointOptions, storeComposer: StoreComposer, hooks: EndpointHooks): Config {
  return {
    logger: new Logger('TusModule'),
    ...engineOptions(options),
    storeComposer,
    basePath: options.publicUrl ?? options.path,
    preUploadCreateCallback: hooks.callback('preUploadCreate', options.preUploadCreateCallback),
    preFinishResponseCallback: hooks.callback('preFinishResponse', options.preFinishResponseCallback),
    preUploadTerminateCallback: hooks.callback('preUploadTerminate', options.preUploadTerminateCallback),
    postFinishCallback: hooks.callback('postFinish', options.postFinishCallback),
  };
}

function checkStore(store: unknown): DataStore {
  if (hasMethods<DataStore>(store, 'newUpload', 'getUpload')) return store;
  throw new TypeError(
    'the store has no newUpload and getUpload: implement DataStore, or take MemoryStore of @nestjs-tus/core',
  );
}

function checkLocker(locker: unknown): Locker {
  if (hasMethods<Locker>(locker, 'newLock')) return locker;
  throw new TypeError(
    'the locker has no newLock: implement Locker, or leave `locker` out for a MemoryLocker',
  );
}

function hasMethods<T extends object>(value: unknown, ...methods: (keyof T & string)[]): value is T {
  if (typeof value !== 'object' || value === null) return false;
  return methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function');
}

/** Says which registration an error is about. */
function naming<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof Error) error.message = `TusModule "${name}": ${error.message}`;
    throw error;
  }
}
