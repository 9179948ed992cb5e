import { Inject } from '@nestjs/common';

/** The name of the endpoint that was given none. */
export const DEFAULT_TUS_NAME = 'default';

/** Strings, so that Nest's "can't resolve dependencies" names them. */
const token =
  (part: string) =>
  (name: string = DEFAULT_TUS_NAME): string =>
    `TUS_${part}:${name}`;

/** The name in a token that `getTusHandlerToken` has made; undefined for any other token. */
export function endpointOfHandlerToken(token: unknown): string | undefined {
  const prefix = getTusHandlerToken('');
  return typeof token === 'string' && token.startsWith(prefix) ? token.slice(prefix.length) : undefined;
}

export const getTusOptionsToken = token('OPTIONS');
export const getTusStoreToken = token('STORE');
export const getTusLockerToken = token('LOCKER');
export const getTusComposerToken = token('COMPOSER');
export const getTusHandlerToken = token('HANDLER');
export const getTusEventsToken = token('EVENTS');
export const getTusServiceToken = token('SERVICE');
export const getTusMetricsToken = token('METRICS');

/** The unnamed endpoint's store, e.g. for `overrideProvider(TUS_STORE).useValue(new MemoryStore())`. */
export const TUS_STORE = getTusStoreToken();
/** The unnamed endpoint's locker. */
export const TUS_LOCKER = getTusLockerToken();
/** The unnamed endpoint's composer: override it to compose store, extensions and locker by hand. */
export const TUS_COMPOSER = getTusComposerToken();

export const InjectTusStore = (name?: string) => Inject(getTusStoreToken(name));
export const InjectTusLocker = (name?: string) => Inject(getTusLockerToken(name));
export const InjectTusComposer = (name?: string) => Inject(getTusComposerToken(name));
export const InjectTusHandler = (name?: string) => Inject(getTusHandlerToken(name));
export const InjectTusEvents = (name?: string) => Inject(getTusEventsToken(name));
export const InjectTusService = (name?: string) => Inject(getTusServiceToken(name));
export const InjectTusMetrics = (name?: string) => Inject(getTusMetricsToken(name));

/** The endpoint that a module instance serves. Not exported: each registration has its own under this one name. */
export const TUS_ENDPOINT = 'TUS_ENDPOINT';
/** The options as they were given, before they are checked. Not exported either. */
export const TUS_GIVEN_OPTIONS = 'TUS_GIVEN_OPTIONS';
/** The hooks of a registration. Not exported. */
export const TUS_HOOKS = 'TUS_HOOKS';
