import type { Server } from 'node:http';
import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleInit,
  Type,
} from '@nestjs/common';
import {
  type ApplicationConfig,
  type DiscoveryService,
  type HttpAdapterHost,
  type ModulesContainer,
} from '@nestjs/core';
import type { TusHandler } from '@nestjs-tus/core';
import { bridgeEvents, findEventEmitter } from '../events/event-emitter-bridge.js';
import type { TusEvents } from '../events/tus-events.js';
import type { EndpointHooks } from '../hooks/endpoint-hooks.js';
import { guardAnswers } from '../http/create-tus-controller.js';
import { FrontDoor } from '../http/front-door.js';
import { mountedPaths } from '../http/mounted-paths.js';
import { parsePattern } from '../http/path-pattern.js';
import type { PathPattern } from '../http/path-pattern.js';
import { placeOf } from '../http/controller-place.js';
import type { TusController } from '../http/tus.controller.js';
import type { TusEndpoint } from '../http/tus-endpoint.js';

/** What an endpoint consists of. */
export interface EndpointParts {
  readonly endpoint: TusEndpoint;
  readonly events: TusEvents;
  readonly hooks: EndpointHooks;
  readonly controller: Type<TusController>;
}

/** What of Nest it is put into. */
export interface NestParts {
  readonly adapterHost: HttpAdapterHost;
  readonly config: ApplicationConfig;
  readonly discovery: DiscoveryService;
  readonly modules: ModulesContainer;
}

/** Opens an endpoint when the app starts, and closes it when the app ends. */
export class TusLifecycle
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  private mounted: readonly PathPattern[] | undefined;

  constructor(
    private readonly parts: EndpointParts,
    private readonly nest: NestParts,
  ) {
    // The adapter does not exist yet in tests, and in no app without HTTP; once it does, no body parser is in place.
    nest.adapterHost.init$.subscribe(() => {
      this.door?.add({
        endpoint: parts.endpoint,
        patterns: () => this.patterns,
        guardAnswers: () => guardAnswers(parts.controller, nest.config),
      });
    });
  }

  async onModuleInit(): Promise<void> {
    const { endpoint, events, hooks } = this.parts;
    hooks.resolve();
    await this.startEngine();
    this.door?.installAfterRoutes();
    const emitter = findEventEmitter(this.nest.discovery);
    if (emitter) bridgeEvents(events, emitter, this.logger);
    const paths = this.patterns.map(({ source }) => source).join(', ');
    this.logger.log(
      `"${endpoint.name}" at ${paths}: ${this.handler.supportedExtensions()}; ${this.handler.config.storeComposer.capabilities()}`,
    );
  }

  onApplicationBootstrap(): void {
    const server = this.httpServer;
    this.resumeOnceListening(server);
    if (server) this.door?.attach(server, this.parts.endpoint);
  }

  /** Running requests are answered before Nest closes the server, which waits for them. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.handler.drain();
  }

  async onApplicationShutdown(): Promise<void> {
    this.parts.events.close();
    await this.handler.shutdown();
  }

  /** Hooks that an earlier process has not told may need the whole app; by then, all of it is there. */
  private resumeOnceListening(server: Server | undefined): void {
    const resume = () => void this.handler.resume();
    if (server?.listening) resume();
    else server?.once('listening', resume);
  }

  private async startEngine(): Promise<void> {
    try {
      await this.handler.init();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`TusModule "${this.parts.endpoint.name}" cannot start: ${reason}`, { cause });
    }
  }

  /** Lazily: prefix and versions are settled when the app is initialised. */
  private get patterns(): readonly PathPattern[] {
    const { config, modules } = this.nest;
    this.mounted ??= mountedPaths(config, placeOf(this.parts.controller, modules, config)).map(parsePattern);
    return this.mounted;
  }

  private get door(): FrontDoor | undefined {
    // Undefined in an application context, whatever its type says.
    const adapter = this.nest.adapterHost.httpAdapter as HttpAdapterHost['httpAdapter'] | undefined;
    return adapter && FrontDoor.of(adapter);
  }

  private get httpServer(): Server | undefined {
    return this.nest.adapterHost.httpAdapter?.getHttpServer() as Server | undefined;
  }

  private get handler(): TusHandler {
    return this.parts.endpoint.handler;
  }

  private get logger(): TusHandler['config']['logger'] {
    return this.handler.config.logger;
  }
}
