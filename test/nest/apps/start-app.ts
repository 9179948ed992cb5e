import type { AddressInfo } from 'node:net';
import type { INestApplication, ModuleMetadata, NestApplicationOptions } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { TestingModuleBuilder } from '@nestjs/testing';

export interface RunningApp {
  readonly app: INestApplication;
  /** Without a slash at the end. */
  readonly url: string;
}

export type NestAdapter = AbstractHttpAdapter;

export interface StartOptions {
  /** Nest's own ExpressAdapter if it is left out. */
  readonly adapter?: NestAdapter;
  /** Overrides providers and guards. */
  readonly override?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
  /** What main.ts would do before `listen`. */
  readonly prepare?: (app: INestApplication) => void;
  readonly nest?: NestApplicationOptions;
  /** Undefined listens wherever the adapter does when it is told nothing. @default '127.0.0.1' */
  readonly host?: string | undefined;
}

const running = new Set<INestApplication>();

/** Starts an app with these modules on a free port of the loopback address. `closeApps` ends it. */
export async function startApp(metadata: ModuleMetadata, options: StartOptions = {}): Promise<RunningApp> {
  const builder = Test.createTestingModule(metadata);
  const module = await (options.override?.(builder) ?? builder).compile();
  const nest = { logger: false as const, ...options.nest };
  const app = options.adapter
    ? module.createNestApplication(options.adapter, nest)
    : module.createNestApplication(nest);
  options.prepare?.(app);
  running.add(app);
  if ('host' in options && options.host === undefined) await app.listen(0);
  else await app.listen(0, options.host ?? '127.0.0.1');
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  return { app, url: `http://127.0.0.1:${port}` };
}

/** For `afterEach`. */
export async function closeApps(): Promise<void> {
  const apps = [...running];
  running.clear();
  await Promise.all(apps.map((app) => app.close()));
}
