import { checkOptions, optionKinds } from '@nestjs-tus/core';
import type { OptionTable } from '@nestjs-tus/core';
import { TusController } from '../http/tus.controller.js';
import { DEFAULT_TUS_NAME } from '../tus.tokens.js';
import { checkModuleOptions, MODULE_OPTIONS } from './module-options.js';
import {
  classesOrInstances,
  constructible,
  injectionToken,
  injectionTokens,
  isConstructible,
  modules,
  providers,
} from './nest-kinds.js';
import { recipeOr } from './provider-recipe.js';
import { GRAPH_KEYS } from './tus-module-options.js';
import type { TusAsyncOptions, TusGraphOptions, TusModuleOptions } from './tus-module-options.js';

const { functionSuchAs, kindOf, listOf, textOf, trueOrFalse } = optionKinds;

const NAME = /^[A-Za-z0-9_-]+$/;

/** Every option that shapes the module. */
export const GRAPH_OPTIONS: OptionTable<TusGraphOptions> = {
  name: textOf('letters, digits, - and _', (text) => NAME.test(text)),
  isGlobal: trueOrFalse,
  controller: kindOf('a subclass of TusController', isController),
  guards: classesOrInstances('[JwtAuthGuard]', 'canActivate'),
  interceptors: classesOrInstances('[LoggingInterceptor]', 'intercept'),
  decorators: listOf("a list such as [ApiTags('uploads')]", functionSuchAs("ApiTags('uploads')")),
  store: recipeOr('newUpload', 'getUpload'),
  locker: recipeOr('newLock'),
  hooks: listOf('a list of classes such as [AvatarHooks]', constructible),
  imports: modules,
  providers,
};

/** Where forRootAsync gets the options from. */
type Source = Pick<TusAsyncOptions, 'useFactory' | 'inject' | 'useClass' | 'useExisting'>;

export const SOURCE_OPTIONS: OptionTable<Source> = {
  useFactory: functionSuchAs('(config: ConfigService) => ({ … })'),
  inject: injectionTokens,
  useClass: constructible,
  useExisting: injectionToken,
};

/**
 * Checks what forRoot was given, and parts it.
 * @throws TypeError that names the endpoint and the option, and says what to write
 */
export function checkRootOptions(given: unknown): { graph: TusGraphOptions; behaviour: TusModuleOptions } {
  const options = checkOptions<TusGraphOptions & TusModuleOptions>(
    given,
    { ...GRAPH_OPTIONS, ...MODULE_OPTIONS },
    {
      owner: `${ownerOf(given)}: `,
      example: "an object such as { path: 'files' }",
      instead: {
        basePath: '`path` for the route below the global prefix, or `publicUrl` for an absolute URL',
        storeComposer: '`store` and `locker`, or override the provider TUS_COMPOSER',
        ...Object.fromEntries(
          Object.keys(SOURCE_OPTIONS).map((key) => [key, 'it in TusModule.forRootAsync']),
        ),
      },
    },
  );
  const isGraph = ([key]: [string, unknown]) => (GRAPH_KEYS as readonly string[]).includes(key);
  const entries = Object.entries(options) as [string, unknown][];
  const graph: TusGraphOptions = Object.fromEntries(entries.filter(isGraph));
  return { graph, behaviour: Object.fromEntries(entries.filter((entry) => !isGraph(entry))) };
}

/**
 * Checks what forRootAsync was given: what shapes the module, and where the options come from.
 * @throws TypeError that names the endpoint and the option, and says what to write
 */
export function checkAsyncOptions(given: unknown): TusAsyncOptions {
  const owner = ownerOf(given);
  const options = checkOptions<TusAsyncOptions>(
    given,
    { ...GRAPH_OPTIONS, ...SOURCE_OPTIONS },
    {
      owner: `${owner}: `,
      example: 'an object such as { useFactory: () => ({ … }) }',
      instead: Object.fromEntries(
        Object.keys(MODULE_OPTIONS).map((key) => [
          key,
          'it in what useFactory, useClass or useExisting gives',
        ]),
      ),
    },
  );
  const ways = (['useFactory', 'useClass', 'useExisting'] as const).filter(
    (way) => options[way] !== undefined,
  );
  if (ways.length === 0)
    throw new TypeError(`${owner}.forRootAsync: write useFactory, useClass or useExisting`);
  if (ways.length > 1) throw new TypeError(`${owner} has ${ways.join(' and ')}: write one of them`);
  if (options.inject !== undefined && options.useFactory === undefined) {
    throw new TypeError(
      `${owner} has inject, which is for factories: write useFactory beside it, or leave it out`,
    );
  }
  return options;
}

/**
 * Checks the options of behaviour, with those that shape the module.
 * @throws TypeError that says what to write
 */
export function checkBehaviour(given: unknown, { store }: TusGraphOptions): TusModuleOptions {
  const options = checkModuleOptions(given);
  if (options.durability !== undefined && store) {
    throw new TypeError(
      'durability is for the default store: write it in your own one, such as ' +
        "new FileStore({ directory: './uploads', durability: 'power-loss' })",
    );
  }
  return options;
}

/** Says which registration an error is about, if its name can be used. */
function ownerOf(given: unknown): string {
  try {
    const { name = DEFAULT_TUS_NAME } = (given ?? {}) as TusGraphOptions;
    return NAME.test(name) ? `TusModule "${name}"` : 'TusModule';
  } catch {
    return 'TusModule';
  }
}

function isController(value: unknown): boolean {
  if (!isConstructible(value)) return false;
  return value === TusController || (value as typeof TusController).prototype instanceof TusController;
}
