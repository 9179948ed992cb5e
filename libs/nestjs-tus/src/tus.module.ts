import { Inject, Module } from '@nestjs/common';
import type { DynamicModule, ModuleMetadata, NestModule, Provider, Type } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { FrontDoor } from './http/front-door.js';
import { checkAsyncOptions, checkRootOptions } from './options/graph-options.js';
import type {
  TusAsyncOptions,
  TusGraphOptions,
  TusModuleOptions,
  TusOptionsFactory,
} from './options/tus-module-options.js';
import { assembleEndpoint } from './tus.module-assembly.js';
import { TUS_GIVEN_OPTIONS } from './tus.tokens.js';

/** The unnamed endpoint with all defaults. */
const BARE: Required<ModuleMetadata> = assembleEndpoint({}, [{ provide: TUS_GIVEN_OPTIONS, useValue: {} }]);

/**
 * Serves resumable uploads. Each import serves one endpoint; a second one in the same app needs a `name`. The bare class is the
 * unnamed endpoint with all defaults: `/files`, a FileStore in `./data`, a MemoryLocker.
 *
 * @example
 * \@Module({
 *   imports: [
 *     TusModule.forRoot({
 *       path: 'files',
 *       store: { useFactory: () => new FileStore({ directory: './uploads' }) },
 *       guards: [JwtAuthGuard],
 *       imports: [AuthModule],
 *     }),
 *   ],
 * })
 * export class AppModule {}
 */
@Module({})
export class TusModule implements NestModule {
  // A dynamic module is added to what its class is decorated with, so the class is decorated with nothing; and feature modules can export
  // an endpoint by the class only if it is the class of the dynamic module. So the class describes the bare import itself, in the form of a
  // dynamic module, which is how Nest recognises one: it has a `module`.
  static readonly module: Type<TusModule> = TusModule;
  static readonly imports = BARE.imports;
  static readonly controllers = BARE.controllers;
  static readonly providers = BARE.providers;
  static readonly exports = BARE.exports;

  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  /** @throws TypeError for an option that is unknown or wrong, and says what to write */
  static forRoot(options: TusModuleOptions & TusGraphOptions = {}): DynamicModule {
    const { graph, behaviour } = checkRootOptions(options);
    return register(graph, [{ provide: TUS_GIVEN_OPTIONS, useValue: behaviour }]);
  }

  /**
   * Takes the options, `path` and `version` too, from providers. What shapes the module stands beside the factory.
   *
   * @example
   * TusModule.forRootAsync({ ...tusConfig.asProvider(), guards: [JwtAuthGuard] })
   * @throws TypeError for an option that is unknown or wrong, and says what to write
   */
  static forRootAsync(options: TusAsyncOptions): DynamicModule {
    const { useFactory, inject, useClass, useExisting, ...graph } = checkAsyncOptions(options);
    return register(graph, optionsProviders({ useFactory, inject, useClass, useExisting }));
  }

  /** Nest calls this between its body parsers and its routes: the only moment at which something can be put there. */
  configure(): void {
    // Undefined in an application context, whatever its type says.
    const adapter = this.adapterHost.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    if (adapter) FrontDoor.of(adapter).prepareRoutes();
  }
}

function register(graph: TusGraphOptions, given: readonly Provider[]): DynamicModule {
  return { module: TusModule, global: graph.isGlobal ?? false, ...assembleEndpoint(graph, given) };
}

function optionsProviders({ useFactory, inject = [], useClass, useExisting }: TusAsyncOptions): Provider[] {
  const provide = TUS_GIVEN_OPTIONS;
  if (useFactory) return [{ provide, useFactory, inject }];
  return [
    { provide, useFactory: askForOptions, inject: [useExisting ?? useClass ?? ''] },
    ...(useClass ? [useClass] : []),
  ];
}

function askForOptions(
  factory: Partial<TusOptionsFactory>,
): ReturnType<TusOptionsFactory['createTusOptions']> {
  if (typeof factory?.createTusOptions === 'function') return factory.createTusOptions();
  throw new TypeError(
    'TusModule.forRootAsync: what makes the options has no createTusOptions: write a class that implements TusOptionsFactory',
  );
}
