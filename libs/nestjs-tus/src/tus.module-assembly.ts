import type { ModuleMetadata, Provider } from '@nestjs/common';
import {
  ApplicationConfig,
  DiscoveryModule,
  DiscoveryService,
  HttpAdapterHost,
  ModulesContainer,
} from '@nestjs/core';
import { Metrics, StoreComposer, TusHandler } from '@nestjs-tus/core';
import { TusEvents } from './events/tus-events.js';
import type { EndpointHooks } from './hooks/endpoint-hooks.js';
import { createTusController } from './http/create-tus-controller.js';
import type { TusEndpoint } from './http/tus-endpoint.js';
import { TusLifecycle } from './lifecycle/tus-lifecycle.js';
import { EndpointCheck } from './lifecycle/endpoint-check.js';
import type { TusGraphOptions } from './options/tus-module-options.js';
import { rememberName } from './registered-names.js';
import {
  createClassAliases,
  createComposerProvider,
  createEndpointProviders,
  createHandlerProvider,
  createHooksProvider,
  createLockerProvider,
  createOptionsProvider,
  createStoreProvider,
} from './tus.providers.js';
import { TusService } from './tus.service.js';
import {
  DEFAULT_TUS_NAME,
  getTusComposerToken,
  getTusEventsToken,
  getTusHandlerToken,
  getTusLockerToken,
  getTusMetricsToken,
  getTusServiceToken,
  getTusStoreToken,
  TUS_ENDPOINT,
  TUS_HOOKS,
} from './tus.tokens.js';

/**
 * The module of one endpoint.
 *
 * @param graph checked
 * @param given provides the options of behaviour, under TUS_GIVEN_OPTIONS
 */
export function assembleEndpoint(
  graph: TusGraphOptions,
  given: readonly Provider[],
): Required<ModuleMetadata> {
  const name = graph.name ?? DEFAULT_TUS_NAME;
  rememberName(name);
  const controller = createTusController(name, graph);
  const isUnnamed = name === DEFAULT_TUS_NAME;
  return {
    imports: [DiscoveryModule, ...(graph.imports ?? [])],
    controllers: [controller],
    providers: [
      ...given,
      createOptionsProvider(name, graph, controller),
      createStoreProvider(name, graph),
      createLockerProvider(name, graph),
      createComposerProvider(name),
      createHooksProvider(name, graph),
      createHandlerProvider(name),
      ...createEndpointProviders(name, controller),
      createLifecycleProvider(name, controller),
      createCheckProvider(name, graph),
      ...(isUnnamed ? createClassAliases() : []),
      ...(graph.hooks ?? []),
      ...(graph.providers ?? []),
    ],
    exports: [
      ...[getTusStoreToken, getTusLockerToken, getTusComposerToken, getTusHandlerToken].map((token) =>
        token(name),
      ),
      ...[getTusEventsToken, getTusServiceToken, getTusMetricsToken].map((token) => token(name)),
      ...(isUnnamed ? [StoreComposer, TusHandler, TusEvents, TusService, Metrics] : []),
    ],
  };
}

function createLifecycleProvider(name: string, controller: ReturnType<typeof createTusController>): Provider {
  return {
    provide: TusLifecycle,
    inject: [
      TUS_ENDPOINT,
      getTusEventsToken(name),
      TUS_HOOKS,
      HttpAdapterHost,
      ApplicationConfig,
      DiscoveryService,
      ModulesContainer,
    ],
    useFactory: (
      endpoint: TusEndpoint,
      events: TusEvents,
      hooks: EndpointHooks,
      adapterHost: HttpAdapterHost,
      config: ApplicationConfig,
      discovery: DiscoveryService,
      modules: ModulesContainer,
    ) => {
      refuseSecond(discovery, name);
      return new TusLifecycle(
        { endpoint, events, hooks, controller },
        { adapterHost, config, discovery, modules },
      );
    },
  };
}

/** Injects nothing of the endpoint: it has to exist also where the rest is made for each request. */
function createCheckProvider(name: string, graph: TusGraphOptions): Provider {
  return {
    provide: EndpointCheck,
    inject: [ModulesContainer],
    useFactory: (modules: ModulesContainer) => new EndpointCheck(name, graph, modules),
  };
}

function refuseSecond(discovery: DiscoveryService, name: string): void {
  const registered = discovery.getProviders().filter(({ token }) => token === getTusHandlerToken(name));
  if (registered.length < 2) return;
  throw new Error(
    name === DEFAULT_TUS_NAME
      ? "TusModule is registered twice without a name: give one a name, e.g. TusModule.forRoot({ name: 'avatars', … })"
      : `TusModule "${name}" is registered twice: give one another name`,
  );
}
