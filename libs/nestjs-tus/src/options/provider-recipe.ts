import { Scope } from '@nestjs/common';
import type { ClassProvider, ExistingProvider, FactoryProvider, ValueProvider } from '@nestjs/common';
import { optionKinds, optionsOf, showValue } from '@nestjs-tus/core';
import type { OptionKind } from '@nestjs-tus/core';
import { constructible, injectionToken, injectionTokens } from './nest-kinds.js';

/** A Nest provider without its token: `{ useClass }`, `{ useValue }`, `{ useFactory, inject }` or `{ useExisting }`. */
export type ProviderRecipe<T> =
  | Omit<ClassProvider<T>, 'provide'>
  | Omit<ValueProvider<T>, 'provide'>
  | Omit<FactoryProvider<T>, 'provide'>
  | Omit<ExistingProvider<T>, 'provide'>;

const WAYS = ['useClass', 'useValue', 'useFactory', 'useExisting'] as const;

interface RecipeMembers {
  useClass?: unknown;
  useValue?: unknown;
  useFactory?: unknown;
  useExisting?: unknown;
  inject?: unknown;
  scope?: unknown;
  durable?: unknown;
}

const RECIPE = optionsOf<RecipeMembers>(
  {
    useClass: constructible,
    useValue: optionKinds.kindOf(
      'the instance itself',
      (value) => typeof value === 'object' && value !== null,
    ),
    useFactory: optionKinds.functionSuchAs('() => new …'),
    useExisting: injectionToken,
    inject: injectionTokens,
    scope: optionKinds.kindOf(
      'Scope.DEFAULT, since it is made once for the whole app',
      (scope) => scope === Scope.DEFAULT,
    ),
    durable: optionKinds.trueOrFalse,
  },
  { example: '{ useFactory: () => new … }' },
);

/**
 * A provider recipe, or an instance that has these methods.
 * @param methods of what the recipe makes
 */
export function recipeOr(...methods: string[]): OptionKind {
  const instance = optionKinds.withMethods('an instance', methods);
  const form = 'an instance, or a provider: { useFactory: () => new … }, useClass, useValue or useExisting';
  return {
    form,
    read(value, path) {
      if (isRecipe(value)) return readRecipe(value, path);
      if (typeof value === 'function') {
        const name = /^[\w$]{1,60}$/.test(value.name) ? value.name : '…';
        throw new TypeError(`${path} is a class or function: write \`${path}: { useClass: ${name} }\``);
      }
      if (typeof value !== 'object' || value === null) {
        throw new TypeError(`${path} is ${showValue(value)}: write \`${path}: { useFactory: () => new … }\``);
      }
      try {
        return { useValue: instance.read(value, path) };
      } catch {
        throw new TypeError(`${path} is no provider, and has no ${methods.join(' and ')}: write ${form}`);
      }
    },
  };
}

function isRecipe(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return WAYS.some((way) => way in value);
  } catch {
    return false;
  }
}

function readRecipe(value: object, path: string): object {
  const used = WAYS.filter((way) => way in value);
  if (used.length > 1) throw new TypeError(`${path} has ${used.join(' and ')}: write one of them`);
  const recipe = RECIPE.read(value, path) as RecipeMembers;
  if (!WAYS.some((way) => way in recipe)) {
    throw new TypeError(`${path}.${used.join()} is undefined: write its value, or another provider`);
  }
  if (recipe.inject !== undefined && recipe.useFactory === undefined) {
    throw new TypeError(`${path} has inject, which is for factories: write useFactory, or leave it out`);
  }
  return recipe;
}
