import type { ClassProvider, ExistingProvider, FactoryProvider, ValueProvider } from '@nestjs/common';

/** A Nest provider without its token: `{ useClass }`, `{ useValue }`, `{ useFactory, inject }` or `{ useExisting }`. */
export type ProviderRecipe<T> =
  | Omit<ClassProvider<T>, 'provide'>
  | Omit<ValueProvider<T>, 'provide'>
  | Omit<FactoryProvider<T>, 'provide'>
  | Omit<ExistingProvider<T>, 'provide'>;

const WAYS = ['useClass', 'useValue', 'useFactory', 'useExisting'] as const;

/**
 * Refuses what is no recipe, a class or an instance say.
 * @throws TypeError that says what to write
 */
export function checkRecipe(option: string, recipe: unknown): void {
  if (typeof recipe === 'function') {
    throw new TypeError(
      `${option} is a class or function: write \`${option}: { useClass: ${recipe.name || '…'} }\``,
    );
  }
  if (typeof recipe !== 'object' || recipe === null) {
    throw new TypeError(`${option} is ${String(recipe)}: write \`${option}: { useFactory: () => new … }\``);
  }
  const used = WAYS.filter((way) => way in recipe);
  if (used.length === 1) return;
  if (used.length > 1) throw new TypeError(`${option} has ${used.join(' and ')}: write one of them`);
  throw new TypeError(
    `${option} is no provider: write \`${option}: { useValue: … }\`, or useClass, useFactory, useExisting`,
  );
}
