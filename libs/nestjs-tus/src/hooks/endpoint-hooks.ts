import type { Type } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import type { HookCallback } from '@nestjs-tus/core';
import { getTusHandlerToken, TUS_ENDPOINT } from '../tus.tokens.js';
import { chainHooks } from './chain-hooks.js';
import { HOOK_NAMES, TusHook } from './tus-hooks.js';
import type { HookName, TusHooks } from './tus-hooks.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

const HANDLER_TOKEN_PREFIX = getTusHandlerToken('');

/**
 * The hooks of one endpoint: those that its registration lists, in that order, then those that discovery finds. They are counted
 * before they exist (the engine must know whether there is one at all), and taken when all providers are there.
 */
export class EndpointHooks {
  private readonly chains = new Map<HookName, HookCallback>();

  private constructor(private readonly wrappers: readonly Wrapper[]) {}

  /** @throws Error when a hook names an endpoint that does not exist */
  static collect(
    discovery: DiscoveryService,
    endpoint: string,
    listed: readonly Type<TusHooks>[],
  ): EndpointHooks {
    const providers = discovery.getProviders();
    const isOwn = ({ host }: Wrapper) => host?.providers.has(getTusHandlerToken(endpoint)) ?? false;
    const own = providers
      .filter((wrapper) => isOwn(wrapper) && listed.includes(wrapper.token as Type<TusHooks>))
      .sort((a, b) => listed.indexOf(a.token as Type<TusHooks>) - listed.indexOf(b.token as Type<TusHooks>));
    const names = endpointNames(providers);
    const found = discovery
      .getProviders({ metadataKey: TusHook.KEY })
      .filter((wrapper) => !wrapper.isAlias && !own.includes(wrapper))
      // A hook within a registration is for that one, whatever else there is.
      .filter((wrapper) =>
        isInRegistration(wrapper) ? isOwn(wrapper) : isFor(discovery, wrapper, endpoint, names),
      );
    return new EndpointHooks([...own, ...found]);
  }

  /** The engine's callback for a hook, asked after `first`; undefined when nobody implements it. */
  callback(name: HookName, first: HookCallback | undefined): HookCallback | undefined {
    if (!this.wrappers.some((wrapper) => mayImplement(wrapper, name))) return first;
    return async (event) => {
      const chain = this.chains.get(name);
      const hooks = [first, chain].filter((hook) => hook !== undefined);
      return chainHooks(hooks, name)(event);
    };
  }

  /**
   * Takes the instances.
   * @throws Error for a hook that is made anew for each request, or that implements nothing
   */
  resolve(): void {
    for (const wrapper of this.wrappers) check(wrapper);
    for (const name of HOOK_NAMES) {
      const hooks = this.wrappers.flatMap((wrapper) => {
        const instance = wrapper.instance as TusHooks;
        if (!instance[name]) return [];
        if (name === 'postFinish') return [told(instance)];
        return [((event) => instance[name]?.(event)) satisfies HookCallback];
      });
      this.chains.set(name, chainHooks(hooks, name));
    }
  }
}

function isInRegistration({ host }: Wrapper): boolean {
  return host?.providers.has(TUS_ENDPOINT) ?? false;
}

function endpointNames(providers: readonly Wrapper[]): string[] {
  return providers.flatMap(({ token }) =>
    typeof token === 'string' && token.startsWith(HANDLER_TOKEN_PREFIX)
      ? [token.slice(HANDLER_TOKEN_PREFIX.length)]
      : [],
  );
}

function isFor(
  discovery: DiscoveryService,
  wrapper: Wrapper,
  endpoint: string,
  names: readonly string[],
): boolean {
  const wanted = discovery.getMetadataByDecorator(TusHook, wrapper)?.endpoint;
  if (wanted === undefined || wanted === endpoint) return true;
  if (names.includes(wanted)) return false;
  throw new Error(
    `${nameOf(wrapper)} is a hook of the endpoint "${wanted}", which does not exist: the names are ${names.join(', ')}`,
  );
}

/** Before it is made, an instance is known by its prototype; one whose hooks are fields, or that a factory makes, may have any. */
function mayImplement({ instance }: Wrapper, name: HookName): boolean {
  const hooks = instance as TusHooks | undefined;
  return (
    !hooks || typeof hooks[name] === 'function' || !HOOK_NAMES.some((one) => typeof hooks[one] === 'function')
  );
}

function check(wrapper: Wrapper): void {
  if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) {
    throw new Error(
      `the hook ${nameOf(wrapper)} is request-scoped or transient: make it a singleton; the request is event.request`,
    );
  }
  const hooks = wrapper.instance as TusHooks;
  if (HOOK_NAMES.some((name) => typeof hooks[name] === 'function')) return;
  throw new Error(`the hook ${nameOf(wrapper)} does nothing: write a method ${HOOK_NAMES.join(', ')}`);
}

function nameOf({ token, name }: Wrapper): string {
  return typeof token === 'function' ? token.name : String(name);
}

/** postFinish may return anything: a promise of its own work, say. */
function told(hooks: TusHooks): HookCallback {
  return async (event) => void (await hooks.postFinish?.(event));
}
