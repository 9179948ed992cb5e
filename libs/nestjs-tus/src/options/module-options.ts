import { VERSION_NEUTRAL } from '@nestjs/common';
import { checkOptions, checkTogether, CONFIG_OPTIONS, optionKinds } from '@nestjs-tus/core';
import type { Config, OptionKind, OptionTable } from '@nestjs-tus/core';
import { checkPath } from '../http/path-pattern.js';
import { GRAPH_KEYS } from './tus-module-options.js';
import type { TusModuleOptions } from './tus-module-options.js';

const { httpUrl, kindOf, oneOf } = optionKinds;

/** The engine's options, apart from those that the module fills in. */
const ENGINE_OPTIONS = without(CONFIG_OPTIONS, 'storeComposer', 'basePath');

/** Every option of behaviour. */
export const MODULE_OPTIONS: OptionTable<TusModuleOptions> = {
  ...ENGINE_OPTIONS,
  path: pathKind(),
  version: kindOf("a version such as '1', a list of them, or VERSION_NEUTRAL", isVersion),
  publicUrl: httpUrl('https://files.example.com/uploads/'),
  durability: oneOf('crash', 'power-loss'),
};

/** What to write instead of options that are known from elsewhere, or that belong elsewhere. */
const INSTEAD: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    GRAPH_KEYS.map((key) => [
      key,
      'it beside useFactory, since it shapes the module, so it cannot come from configuration',
    ]),
  ),
  basePath: '`path` for the route below the global prefix, or `publicUrl` for an absolute URL',
  storeComposer: '`store` and `locker`, or override the provider TUS_COMPOSER',
};

/**
 * Checks the options of behaviour at every depth, and that there are no others: a misspelt limit would be no limit.
 * @throws TypeError that says what to write
 */
export function checkModuleOptions(given: unknown): TusModuleOptions {
  const options = checkOptions<TusModuleOptions>(given, MODULE_OPTIONS, {
    example: "an object such as { path: 'files' }",
    instead: INSTEAD,
  });
  checkTogether(options);
  return options;
}

/** What the engine takes of the module's options. */
export function engineOptions(options: TusModuleOptions): Omit<Config, 'storeComposer' | 'basePath'> {
  return Object.fromEntries(Object.entries(options).filter(([key]) => Object.hasOwn(ENGINE_OPTIONS, key)));
}

function without<T extends object, K extends keyof T & string>(table: T, ...keys: K[]): Omit<T, K> {
  const entries = Object.entries(table).filter(([key]) => !(keys as string[]).includes(key));
  return Object.fromEntries(entries) as Omit<T, K>;
}

function pathKind(): OptionKind {
  const text = optionKinds.textOf(
    "a route such as 'files', with one slash between its segments",
    (path) => !/\/\/|[\u0000-\u0020\u007f]/.test(path),
  );
  return {
    form: text.form,
    read(value, path) {
      checkPath(text.read(value, path));
      return value;
    },
  };
}

function isVersion(value: unknown): boolean {
  if (Array.isArray(value))
    return value.length > 0 && value.every((one) => !Array.isArray(one) && isVersion(one));
  return value === VERSION_NEUTRAL || (typeof value === 'string' && value !== '');
}
