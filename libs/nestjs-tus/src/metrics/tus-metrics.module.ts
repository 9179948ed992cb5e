import { Controller, Get, Inject, Module, Res } from '@nestjs/common';
import type { DynamicModule, Provider, Type } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { Registry } from 'prom-client';
import type { Metrics, MetricsSnapshot } from '@nestjs-tus/core';
import { rawResponse } from '../http/raw.js';
import type { FrameworkResponse } from '../http/raw.js';
import { getTusMetricsToken } from '../tus.tokens.js';
import { collectTusMetrics } from './collect-tus-metrics.js';
import type { TusMetricsOptions, TusMetricsSource } from './collect-tus-metrics.js';

export interface TusMetricsModuleOptions extends TusMetricsOptions {
  /** Route of the scrape; `false`: none, you serve the registry yourself. Default `metrics`. */
  readonly path?: string | false;
  /** Your own registry, with your own metrics. Default: a new one. */
  readonly registry?: Registry;
  /** Where the numbers come from. Default: all endpoints of this app. */
  readonly source?: TusMetricsSource;
}

/** The registry that the endpoints' numbers are in. */
export const TUS_REGISTRY = 'TUS_REGISTRY';
export const InjectTusRegistry = () => Inject(TUS_REGISTRY);

const METRICS_TOKEN_PREFIX = getTusMetricsToken('');

/**
 * Shows the numbers of all upload endpoints to Prometheus.
 *
 * @example
 * imports: [TusModule.forRoot(), TusMetricsModule.forRoot({ path: 'metrics' })]
 */
@Module({})
export class TusMetricsModule {
  static forRoot(options: TusMetricsModuleOptions = {}): DynamicModule {
    const { path = 'metrics' } = options;
    return {
      module: TusMetricsModule,
      imports: [DiscoveryModule],
      controllers: path === false ? [] : [createMetricsController(path)],
      providers: [registryProvider(options)],
      exports: [TUS_REGISTRY],
    };
  }
}

function registryProvider({ registry, source, ...options }: TusMetricsModuleOptions): Provider {
  return {
    provide: TUS_REGISTRY,
    inject: [DiscoveryService],
    useFactory: (discovery: DiscoveryService): Registry => {
      const filled = registry ?? new Registry();
      collectTusMetrics(filled, source ?? (() => snapshotsOf(discovery)), options);
      return filled;
    },
  };
}

/** At each scrape: endpoints of lazily loaded modules come later. */
function snapshotsOf(discovery: DiscoveryService): Record<string, MetricsSnapshot> {
  return Object.fromEntries(
    discovery.getProviders().flatMap(({ token, instance }) => {
      if (typeof token !== 'string' || !token.startsWith(METRICS_TOKEN_PREFIX)) return [];
      return [[token.slice(METRICS_TOKEN_PREFIX.length), (instance as Metrics).snapshot()] as const];
    }),
  );
}

function createMetricsController(path: string): Type {
  @Controller(path)
  class TusMetricsController {
    constructor(@Inject(TUS_REGISTRY) private readonly registry: Registry) {}

    @Get()
    async scrape(@Res() response: FrameworkResponse): Promise<void> {
      const text = await this.registry.metrics();
      // To Node's own response, which both adapters have: Express would change the type.
      rawResponse(response).writeHead(200, { 'Content-Type': this.registry.contentType }).end(text);
    }
  }
  return TusMetricsController;
}
