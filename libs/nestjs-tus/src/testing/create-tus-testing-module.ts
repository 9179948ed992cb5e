import type { ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModuleBuilder } from '@nestjs/testing';
import { MemoryLocker, MemoryStore } from '@nestjs-tus/core';
import { DEFAULT_TUS_NAME, getTusLockerToken, getTusStoreToken } from '../tus.tokens.js';

export interface TusTestingMetadata extends ModuleMetadata {
  /** Names of the endpoints whose store and locker are replaced. Default: the unnamed one. */
  readonly endpoints?: readonly string[];
}

/**
 * Begins a testing module whose uploads live in memory: each endpoint gets a MemoryStore and a MemoryLocker in the place of what the
 * app gives it. Guards and providers are overridden as ever.
 *
 * @example
 * const module = await createTusTestingModule({ imports: [AppModule] })
 *   .overrideGuard(JwtAuthGuard).useValue({ canActivate: () => true })
 *   .compile();
 * const app = module.createNestApplication();
 * await app.listen(0);
 * const client = await TusTestClient.of(app);
 * const url = await client.upload('hello');
 */
export function createTusTestingModule({
  endpoints = [DEFAULT_TUS_NAME],
  ...metadata
}: TusTestingMetadata): TestingModuleBuilder {
  return endpoints.reduce(
    (builder, name) =>
      builder
        .overrideProvider(getTusStoreToken(name))
        .useValue(new MemoryStore())
        .overrideProvider(getTusLockerToken(name))
        .useValue(new MemoryLocker()),
    Test.createTestingModule(metadata),
  );
}
