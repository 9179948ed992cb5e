import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TusExpressAdapter } from 'nestjs-tus/express';
import {
  closeApps,
  startApp,
  type NestAdapter,
  type RunningApp,
  type StartOptions,
} from './apps/start-app.js';

export interface AdapterUnderTest {
  readonly name: string;
  /** What `adapter.getType()` says. */
  readonly framework: 'express' | 'fastify';
  make(): NestAdapter;
}

export const ADAPTERS: readonly AdapterUnderTest[] = [
  { name: 'ExpressAdapter', framework: 'express', make: () => new ExpressAdapter() },
  { name: 'TusExpressAdapter', framework: 'express', make: () => new TusExpressAdapter() },
  { name: 'FastifyAdapter', framework: 'fastify', make: () => new FastifyAdapter() },
];

export type StartApp = (metadata: ModuleMetadata, options?: StartOptions) => Promise<RunningApp>;

/** Runs tests on every adapter. What they start by `startApp` is closed after each. */
export function describeEachAdapter(
  subject: string,
  tests: (startApp: StartApp, adapter: AdapterUnderTest) => void,
): void {
  describe.each(ADAPTERS)(`${subject} on $name`, (adapter) => {
    afterEach(closeApps);
    tests((metadata, options) => startApp(metadata, { adapter: adapter.make(), ...options }), adapter);
  });
}

/** The app's own body parsers, which its main.ts registers. */
export function useBodyParser(app: INestApplication, type: string, options: object = {}): void {
  (app as INestApplication & { useBodyParser(type: string, options: object): void }).useBodyParser(
    type,
    options,
  );
}
