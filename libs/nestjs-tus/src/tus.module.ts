import { Inject, Module } from '@nestjs/common';
import type { DynamicModule, NestModule, Provider } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { FrontDoor } from './http/front-door.js';
import { GRAPH_KEYS } from './options/tus-module-options.js';
import type {
  TusAsyncOptions,
  TusGraphOptions,
  TusModuleOptions,
  TusOptionsFactory,
} from './options/tus-module-options.js';
import { assembleEndpoint } from './tus.module-assembly.js';
import { TUS_GIVEN_OPTIONS } from './tus.tokens.js';

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
@Module(assembleEndpoint({}, [{ provide: TUS_GIVEN_OPTIONS, useValue: {} }]))
export class TusModule implements NestModule {
  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  static forRoot(options: TusModuleOptions & TusGraphOptions = {}): DynamicModule {
    const { graph, behaviour } = split(options);
    return register(graph, [{ provide: TUS_GIVEN_OPTIONS, useValue: behaviour }]);
  }

  /**
   * Takes the options, `path` and `version` too, from providers. What shapes the module stands beside the factory.
   *
   * @example
   * TusModule.forRootAsync({ ...tusConfig.asProvider(), guards: [JwtAuthGuard] })
   */
  static forRootAsync(options: TusAsyncOptions): DynamicModule {
    return register(options, optionsProviders(options));
  }

  /** Nest calls this between its body parsers and its routes: the only moment at which something can be put there. */
  configure(): void {
    // Undefined in an application context, whatever its type says.
    const adapter = this.adapterHost.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    if (adapter) FrontDoor.of(adapter).prepareRoutes();
  }
}

/**
 * What forRoot registers. A dynamic module is added to what its class is decorated with, so it cannot be TusModule, whose decoration is
 * an endpoint already; as its subclass, it has the path that RouterModule gives to TusModule.
 */
@Module({ imports: [], controllers: [], providers: [], exports: [] })
class TusEndpointModule extends TusModule {}
Object.defineProperty(TusEndpointModule, 'name', { value: 'TusModule' });

function register(graph: TusGraphOptions, given: readonly Provider[]): DynamicModule {
  return { module: TusEndpointModule, global: graph.isGlobal ?? false, ...assembleEndpoint(graph, given) };
}

function split(options: TusModuleOptions & TusGraphOptions): {
  graph: TusGraphOptions;
  behaviour: TusModuleOptions;
} {
  const isGraph = ([key]: [string, unknown]) => (GRAPH_KEYS as readonly string[]).includes(key);
  const entries = Object.entries(options) as [string, unknown][];
  return {
    graph: Object.fromEntries(entries.filter(isGraph)),
    behaviour: Object.fromEntries(entries.filter((entry) => !isGraph(entry))),
  };
}

function optionsProviders(options: TusAsyncOptions): Provider[] {
  const { useFactory, useClass, useExisting, inject = [] } = options;
  const provide = TUS_GIVEN_OPTIONS;
  if (useFactory) return [{ provide, useFactory, inject }];
  const factory = useExisting ?? useClass;
  if (!factory) {
    throw new TypeError('TusModule.forRootAsync: write useFactory, useClass or useExisting');
  }
  return [
    { provide, useFactory: (made: TusOptionsFactory) => made.createTusOptions(), inject: [factory] },
    ...(useClass && !useExisting ? [useClass] : []),
  ];
}
