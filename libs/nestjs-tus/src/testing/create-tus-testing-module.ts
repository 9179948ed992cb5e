import type { ModuleMetadata } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { TestingModule, TestingModuleBuilder } from '@nestjs/testing';
import { MemoryLocker, MemoryStore } from '@nestjs-tus/core';
import { registeredNames } from '../registered-names.js';
import { endpointOfHandlerToken, getTusLockerToken, getTusStoreToken } from '../tus.tokens.js';

export interface TusTestingMetadata extends ModuleMetadata {
  /**
   * Names of endpoints that the app must have. All endpoints live in memory, listed or not; only one whose module is loaded while the
   * testing module is compiled, by a dynamic import in `imports`, has to be listed.
   */
  readonly endpoints?: readonly string[];
}

/** What `Module` of Nest takes, and ours. */
const KNOWN: readonly (keyof TusTestingMetadata)[] = [
  'imports',
  'controllers',
  'providers',
  'exports',
  'endpoints',
];

/**
 * Begins a testing module whose uploads live in memory: each endpoint gets a MemoryStore and a MemoryLocker of its own in the place of what
 * the app gives it, which is not even made. Guards and providers are overridden as ever, the stores too.
 *
 * `compile` rejects when the app lacks an endpoint that is listed, or has one whose store could not be replaced.
 *
 * @example
 * const module = await createTusTestingModule({ imports: [AppModule] })
 *   .overrideGuard(JwtAuthGuard).useValue({ canActivate: () => true })
 *   .compile();
 * const app = module.createNestApplication();
 * await app.listen(0);
 * const client = await TusTestClient.of(app);
 * const url = await client.upload('hello');
 * @throws TypeError for what is no part of the metadata
 */
export function createTusTestingModule({
  endpoints = [],
  ...metadata
}: TusTestingMetadata): TestingModuleBuilder {
  checkMetadata(endpoints, metadata);
  const replaced = new Set<string>([...registeredNames(), ...endpoints]);
  const builder = Test.createTestingModule(metadata);
  for (const name of replaced) {
    builder
      .overrideProvider(getTusStoreToken(name))
      .useValue(new MemoryStore())
      .overrideProvider(getTusLockerToken(name))
      .useValue(new MemoryLocker());
  }
  const compile = builder.compile.bind(builder);
  builder.compile = async (options) => {
    const module = await compile(options);
    checkEndpoints(endpointsIn(module), endpoints, replaced);
    return module;
  };
  return builder;
}

function endpointsIn(module: TestingModule): string[] {
  const modules = [...module.get(ModulesContainer, { strict: false }).values()];
  const tokens = modules.flatMap(({ providers }) => [...providers.keys()]);
  return tokens.map(endpointOfHandlerToken).filter((name) => name !== undefined);
}

function checkEndpoints(
  there: readonly string[],
  listed: readonly string[],
  replaced: ReadonlySet<string>,
): void {
  const missing = listed.find((name) => !there.includes(name));
  if (missing !== undefined) {
    const names = there.map((name) => `"${name}"`).join(', ') || 'none';
    throw new Error(`the app has no endpoint "${missing}": write names of those that it has, ${names}`);
  }
  const kept = there.find((name) => !replaced.has(name));
  if (kept === undefined) return;
  throw new Error(
    `the endpoint "${kept}" was loaded while the app was compiled, so its store is a real one: write \`endpoints: ['${kept}']\``,
  );
}

function checkMetadata(endpoints: unknown, metadata: ModuleMetadata): void {
  if (!Array.isArray(endpoints) || endpoints.some((name) => typeof name !== 'string')) {
    throw new TypeError(
      "createTusTestingModule: endpoints is no list of names: write e.g. endpoints: ['avatars']",
    );
  }
  const unknown = Object.keys(metadata).find((key) => !(KNOWN as readonly string[]).includes(key));
  if (unknown === undefined) return;
  throw new TypeError(`createTusTestingModule: ${unknown} is unknown: write one of ${KNOWN.join(', ')}`);
}
