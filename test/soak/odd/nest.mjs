import { Catch, Injectable, StreamableFile } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { catchError, EMPTY, from, map, mergeMap, of, tap, throwError, timer } from 'rxjs';
import { Random } from '../random.mjs';
import { record, wishOf } from './hooks.mjs';
import { FILTER_THREW } from './marks.mjs';
import { oddThrown } from './thrown.mjs';

const AGREES = 0.7;

/** A guard that refuses in odd ways. */
export class OddGuard {
  canActivate(context) {
    const { odd } = wishOf(context.switchToHttp().getRequest().headers);
    const random = odd === undefined ? undefined : new Random(odd).fork('guard');
    if (!random || random.chance(0.92)) return true;
    if (random.chance(0.2))
      return random.pick([false, null, 0, '', of(false), Promise.resolve(false), EMPTY]);
    if (random.chance(0.2)) throw new ForFilter();
    const thrown = oddThrown(random);
    record(odd, 'the guard', 'throws', thrown);
    throw thrown;
  }
}
Injectable()(OddGuard);

/** An interceptor that does to the outcome whatever interceptors in the wild do. */
export class OddInterceptor {
  intercept(context, next) {
    const { odd } = wishOf(context.switchToHttp().getRequest().headers);
    const random = odd === undefined ? undefined : new Random(odd).fork('interceptor');
    if (!random || random.chance(AGREES)) return next.handle();
    const [name, act] = random.pick(Object.entries(INTERCEPTIONS));
    record(odd, 'the interceptor', name);
    return act(next, random, (thrown) => record(odd, 'the interceptor', 'throws', thrown));
  }
}
Injectable()(OddInterceptor);

/** Each is given the handler, its random choices, and `say`, which records what it did. */
const INTERCEPTIONS = {
  'walks the outcome': (next) => next.handle().pipe(tap((outcome) => walk(outcome))),
  'replaces the outcome': (next, random) => next.handle().pipe(map(() => random.pick(REPLACEMENTS)())),
  'clones the outcome': (next) => next.handle().pipe(map((outcome) => ({ ...outcome }))),
  'serializes the outcome': (next) =>
    next.handle().pipe(map((outcome) => JSON.parse(JSON.stringify(outcome ?? null)))),
  'wraps the outcome': (next) => next.handle().pipe(map((data) => ({ data }))),
  'emits twice': (next) => next.handle().pipe(mergeMap((outcome) => of(outcome, outcome))),
  'answers from a cache': (_next, random) => of(random.pick(REPLACEMENTS)()),
  'is empty': () => EMPTY,
  'empties the outcome': (next) => next.handle().pipe(mergeMap(() => EMPTY)),
  'calls the handler twice': (next) => next.handle().pipe(mergeMap(() => next.handle())),
  'throws before': (_next, random, say) => {
    throw said(say, oddThrown(random));
  },
  'fails before': (_next, random, say) => throwError(() => said(say, oddThrown(random))),
  'throws after': (next, random, say) =>
    next.handle().pipe(
      map(() => {
        throw said(say, oddThrown(random));
      }),
    ),
  'swallows errors': (next) => next.handle().pipe(catchError(() => of('all is well'))),
  'changes errors': (next, random, say) =>
    next.handle().pipe(catchError(() => throwError(() => said(say, oddThrown(random))))),
  'waits before': (next) => timer(100).pipe(mergeMap(() => next.handle())),
  'waits after': (next) => next.handle().pipe(mergeMap((outcome) => timer(100).pipe(map(() => outcome)))),
  'is a promise': (next) => Promise.resolve(next.handle()),
  rejects: (_next, random, say) => from(Promise.reject(said(say, oddThrown(random)))),
};

function said(say, thrown) {
  say(thrown);
  return thrown;
}

const REPLACEMENTS = [
  () => undefined,
  () => null,
  () => 'text',
  () => 5,
  () => ({ ok: true }),
  () => [],
  () => Buffer.from('bytes'),
  () => new StreamableFile(Buffer.from('bytes')),
];

/** As ClassSerializerInterceptor does: reads everything, and calls the functions that it finds. */
function walk(value, seen = new Set()) {
  if (typeof value !== 'object' || value === null || seen.has(value) || seen.size > 2_000) return;
  seen.add(value);
  for (let owner = value; owner && owner !== Object.prototype; owner = Object.getPrototypeOf(owner)) {
    for (const key of Object.getOwnPropertyNames(owner)) {
      if (key === 'constructor') continue;
      try {
        const member = value[key];
        if (typeof member === 'function') member.call(value);
        else walk(member, seen);
      } catch {
        // Getters and functions that want arguments; class-transformer would fail here, too.
      }
    }
  }
}

/** What the odd filter catches: other errors go to the module's own. */
class ForFilter extends Error {}

/** A filter of the app on the endpoint. */
export class OddFilter extends BaseExceptionFilter {
  catch(exception, host) {
    const http = host.switchToHttp();
    const { odd } = wishOf(http.getRequest().headers);
    const random = new Random(odd).fork('filter');
    const what = random.pick(['passes the error on', 'throws', 'answers by itself']);
    record(odd, 'the filter', what);
    if (what === 'throws') {
      http.getResponse().header(FILTER_THREW, 'yes');
      throw oddThrown(random);
    }
    if (what === 'passes the error on') return super.catch(exception, host);
    http
      .getResponse()
      .status(random.pick([400, 404, 418, 500]))
      .send({ message: 'of the filter' });
  }
}
Catch(ForFilter)(OddFilter);
