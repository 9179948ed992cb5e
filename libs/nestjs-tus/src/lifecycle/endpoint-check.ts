import { Scope } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { TusGraphOptions } from '../options/tus-module-options.js';
import {
  getTusComposerToken,
  getTusHandlerToken,
  getTusLockerToken,
  getTusOptionsToken,
  getTusStoreToken,
  TUS_GIVEN_OPTIONS,
} from '../tus.tokens.js';

type NestModuleRef = NonNullable<ReturnType<ModulesContainer['get']>>;
type Wrapper = NonNullable<ReturnType<NestModuleRef['providers']['get']>>;

/**
 * Refuses, when the app starts, what only Nest's injector knows of an endpoint: parts that would be made anew for each request, and guards
 * that guard nothing.
 *
 * A request-scoped store makes all that injects it request-scoped too, so Nest would never make the lifecycle: no hook would be asked,
 * no init() called, nothing swept.
 */
export class EndpointCheck implements OnModuleInit {
  constructor(
    private readonly name: string,
    private readonly graph: TusGraphOptions,
    private readonly modules: ModulesContainer,
  ) {}

  /** @throws Error that names the provider and says what to do instead */
  onModuleInit(): void {
    const host = [...this.modules.values()].find(({ providers }) =>
      providers.has(getTusHandlerToken(this.name)),
    );
    if (!host) return;
    this.refuseScopes(host);
    this.refuseIdle(host, 'guards', 'canActivate');
    this.refuseIdle(host, 'interceptors', 'intercept');
  }

  private refuseScopes({ providers }: NestModuleRef): void {
    const parts: [string, string][] = [
      ['factory of the options', TUS_GIVEN_OPTIONS],
      ['options', getTusOptionsToken(this.name)],
      ['store', getTusStoreToken(this.name)],
      ['locker', getTusLockerToken(this.name)],
      ['composer', getTusComposerToken(this.name)],
    ];
    for (const [part, token] of parts) {
      const wrapper = providers.get(token);
      const problem = wrapper && scopeProblem(wrapper);
      if (!problem) continue;
      throw new Error(
        `TusModule "${this.name}": the ${part} ${problem}: make it one for the whole app; ` +
          'what differs from request to request belongs into a hook, which gets the request as event.request',
      );
    }
  }

  /** Nest passes over a guard without canActivate in silence: the routes would be open. */
  private refuseIdle(
    { injectables }: NestModuleRef,
    option: 'guards' | 'interceptors',
    method: string,
  ): void {
    for (const one of this.graph[option] ?? []) {
      if (typeof one !== 'function') continue;
      const instance = (injectables.get(one)?.instance ?? one.prototype) as Record<string, unknown>;
      if (typeof instance[method] === 'function') continue;
      throw new TypeError(
        `TusModule "${this.name}": ${one.name} in ${option} has no ${method}: write a class that has it, or leave it out`,
      );
    }
  }
}

/** Completes "the store …"; undefined when there is one for the whole app. */
function scopeProblem(wrapper: Wrapper): string | undefined {
  if (wrapper.isTransient) return 'is transient: each part of the app would get one of its own';
  if (wrapper.isDependencyTreeStatic()) return undefined;
  const way = wayToRequestScope(wrapper, new Set());
  if (way.length <= 1) return 'is request-scoped';
  const [, ...dependencies] = way.map(nameOf);
  return `is request-scoped, since it depends on ${dependencies.join(', which depends on ')}`;
}

/** From the wrapper to what is request-scoped by itself. */
function wayToRequestScope(wrapper: Wrapper, seen: Set<Wrapper>): Wrapper[] {
  if (wrapper.scope === Scope.REQUEST || seen.has(wrapper)) return [wrapper];
  seen.add(wrapper);
  const properties = (wrapper.getPropertiesMetadata() ?? []).map((property) => property.wrapper);
  // Sparse until all parameters are resolved.
  const dependencies = [...(wrapper.getCtorMetadata() ?? []), ...properties].filter(
    (one) => one !== undefined,
  );
  const next = dependencies.find((one) => !seen.has(one) && !one.isDependencyTreeStatic());
  return next ? [wrapper, ...wayToRequestScope(next, seen)] : [wrapper];
}

function nameOf({ token, name }: Wrapper): string {
  return typeof token === 'function' ? token.name : String(name);
}
