import { optionKinds } from '@nestjs-tus/core';
import type { OptionKind } from '@nestjs-tus/core';

const { kindOf, listOf } = optionKinds;

/** What Nest makes with `new`; an arrow function, which has no prototype, is none. */
export const constructible: OptionKind = kindOf('a class', isConstructible);

/** What a provider is asked for by: a class, a text or a symbol. */
export const injectionToken: OptionKind = kindOf('a class, a text or a symbol', isToken);

/** What Nest's factories name in `inject`. */
export const injectionTokens: OptionKind = listOf(
  'a list such as [ConfigService]',
  kindOf(
    'a class, a text, a symbol, or { token, optional } (undefined is what an import in a circle gives: write forwardRef(() => …))',
    (value) => isToken(value) || hasMember(value, 'token') || hasMember(value, 'forwardRef'),
  ),
);

/** A list of classes, or instances, that have a method, as Nest's guards and interceptors. */
export function classesOrInstances(example: string, method: string): OptionKind {
  return listOf(
    `a list such as ${example}`,
    kindOf(`a class or an instance with ${method}`, (value) =>
      typeof value === 'function' ? isConstructible(value) : typeof memberOf(value, method) === 'function',
    ),
  );
}

/** Modules, as in any `imports`. */
export const modules: OptionKind = listOf(
  'a list of modules such as [AuthModule]',
  kindOf('a module (undefined is what an import in a circle gives: write forwardRef(() => …))', (value) =>
    typeof value === 'function'
      ? isConstructible(value)
      : hasMember(value, 'module') || hasMember(value, 'forwardRef') || hasMember(value, 'then'),
  ),
);

/** Providers, as in any `providers`. */
export const providers: OptionKind = listOf(
  'a list of providers such as [AuthService]',
  kindOf('a class, or an object with provide', (value) =>
    typeof value === 'function' ? isConstructible(value) : hasMember(value, 'provide'),
  ),
);

export function isConstructible(value: unknown): boolean {
  return typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null;
}

function isToken(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  return typeof value === 'symbol' || typeof value === 'function';
}

function hasMember(value: unknown, member: string): boolean {
  return memberOf(value, member) !== undefined;
}

function memberOf(value: unknown, member: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
  return (value as Record<string, unknown>)[member];
}
