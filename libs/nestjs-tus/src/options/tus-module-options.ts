import type {
  CanActivate,
  DynamicModule,
  ForwardReference,
  InjectionToken,
  NestInterceptor,
  OptionalFactoryDependency,
  Provider,
  Type,
  VersioningOptions,
} from '@nestjs/common';
import type { Config, DataStore, Locker } from '@nestjs-tus/core';
import type { TusHooks } from '../hooks/tus-hooks.js';
import type { TusController } from '../http/tus.controller.js';
import type { ProviderRecipe } from './provider-recipe.js';

/**
 * What an endpoint does; may come from asynchronous configuration. Times are milliseconds, sizes bytes. Those of the
 * engine are described at `Config`.
 */
export interface TusModuleOptions extends Omit<Config, 'storeComposer' | 'basePath'> {
  /**
   * Route below the global prefix; may hold route parameters, e.g. `tenants/:tenantId/files`.
   * @default 'files', or the path of your own controller
   */
  path?: string;
  /**
   * Nest's version of the routes. Left out, the app's default version counts, as for any controller;
   * `VERSION_NEUTRAL` keeps upload URLs where they are whatever the app's versioning says.
   */
  version?: VersioningOptions['defaultVersion'];
  /** Absolute URL of the endpoint, for Location, where the request's own URL is not the one that clients see. */
  publicUrl?: string;
  /**
   * What an acknowledged byte survives: `crash`, the end of the process; `power-loss` too. Of the default store only;
   * a store of your own has its own option.
   * @default 'crash'
   */
  durability?: 'crash' | 'power-loss';
}

/** What an endpoint is made of; shapes the module, so it is given where the module is imported. */
export interface TusGraphOptions {
  /** Tells several endpoints of one app apart; in tokens, events and the log. Letters, digits, `-` and `_`. */
  name?: string;
  /** Makes the endpoint's providers visible everywhere. */
  isGlobal?: boolean;
  /** Your own subclass of TusController. An overridden handler needs its route decorator again. */
  controller?: Type<TusController>;
  /** For all routes but OPTIONS. Their dependencies come from `imports`. */
  guards?: (Type<CanActivate> | CanActivate)[];
  /** They see the operation's outcome; the response is written by then. */
  interceptors?: (Type<NestInterceptor> | NestInterceptor)[];
  /** Put on the endpoint's controller: `ApiTags('uploads')`, `SkipThrottle()` … */
  decorators?: ClassDecorator[];
  /** An instance, or a provider recipe. @default a FileStore in `./data` */
  store?: DataStore | ProviderRecipe<DataStore>;
  /** An instance, or a provider recipe. @default a MemoryLocker */
  locker?: Locker | ProviderRecipe<Locker>;
  /** Asked in this order, before those that `@TusHook` marks. */
  hooks?: Type<TusHooks>[];
  /** Modules that guards, hooks, store and locker need. */
  imports?: (Type | DynamicModule | Promise<DynamicModule> | ForwardReference)[];
  /** Providers that guards, hooks, store and locker need. */
  providers?: Provider[];
}

/** A class that `forRootAsync({ useClass })` or `useExisting` asks for the options. */
export interface TusOptionsFactory {
  createTusOptions(): Promise<TusModuleOptions> | TusModuleOptions;
}

/** Options that are known later: from a ConfigService, say. */
export interface TusAsyncOptions extends TusGraphOptions {
  /** Makes the options from what `inject` names. */
  // Nest types the arguments of factories in this way: they are known where the factory is written, and nowhere else.
  useFactory?: (...dependencies: never[]) => Promise<TusModuleOptions> | TusModuleOptions;
  inject?: (InjectionToken | OptionalFactoryDependency)[];
  useClass?: Type<TusOptionsFactory>;
  useExisting?: InjectionToken<TusOptionsFactory>;
}

/** The keys of TusGraphOptions, to tell them from those of behaviour. */
export const GRAPH_KEYS = [
  'name',
  'isGlobal',
  'controller',
  'guards',
  'interceptors',
  'decorators',
  'store',
  'locker',
  'hooks',
  'imports',
  'providers',
] as const satisfies readonly (keyof TusGraphOptions)[];
