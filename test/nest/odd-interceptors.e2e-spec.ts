import { HttpException, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { MemoryStore, TusModule } from 'nestjs-tus';
import {
  concatMap,
  defaultIfEmpty,
  EMPTY,
  filter,
  ignoreElements,
  map,
  mergeMap,
  NEVER,
  of,
  repeat,
  retry,
  switchMap,
  takeUntil,
  tap,
  throwError,
  timer,
  type Observable,
} from 'rxjs';
import { within } from '../harness/eventually.js';
import { describeEachAdapter } from './adapters.js';
import { append, create, OFFSET_STREAM, send, TUS, type Answer } from './apps/http-client.js';

const store = { useFactory: () => new MemoryStore() };
const answered = (answer: Promise<Answer>) => within('an answer', answer, 5_000);

type Intercept = (next: CallHandler<unknown>, context: ExecutionContext) => unknown;
const interceptor = (intercept: Intercept): NestInterceptor => ({
  intercept: (context, next) => intercept(next, context) as Observable<unknown>,
});

/** As ClassSerializerInterceptor does, and more: looks at everything, and calls what can be called. */
function walk(value: unknown, seen = new Set<unknown>()): void {
  if (typeof value === 'function') {
    try {
      walk(Reflect.apply(value, undefined, []), seen);
    } catch {
      // Most functions want a `this`.
    }
    return;
  }
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  for (const key of Reflect.ownKeys(value)) {
    const member: unknown = Reflect.get(value, key);
    if (typeof member === 'function') {
      try {
        walk(Reflect.apply(member, value, []), seen);
      } catch {
        // What it throws is no harm.
      }
    } else walk(member, seen);
  }
  for (
    let type: unknown = Object.getPrototypeOf(value);
    type && type !== Object.prototype;
    type = Object.getPrototypeOf(type)
  ) {
    for (const name of Object.getOwnPropertyNames(type)) {
      if (name === 'constructor' || value instanceof Date || Array.isArray(value)) continue;
      try {
        const member: unknown = Reflect.get(type, name, value);
        if (typeof member === 'function') Reflect.apply(member, value, []);
      } catch {
        // What it throws is no harm.
      }
    }
  }
}

/** What an interceptor may do when it lets the endpoint work: none of it changes the answer. */
const HARMLESS: [string, Intercept][] = [
  [
    'walks through the outcome and calls everything',
    (next) => next.handle().pipe(tap((outcome) => walk(outcome))),
  ],
  ['replaces the outcome', (next) => next.handle().pipe(map(() => ({ data: 'mine' })))],
  ['makes nothing of it', (next) => next.handle().pipe(map(() => undefined))],
  ['emits nothing', (next) => next.handle().pipe(ignoreElements())],
  ['filters it out', (next) => next.handle().pipe(filter(() => false))],
  ['emits twice', (next) => next.handle().pipe(mergeMap((outcome) => of(outcome, outcome)))],
  ['asks the handler twice', (next) => next.handle().pipe(concatMap(() => next.handle()))],
  ['repeats', (next) => next.handle().pipe(repeat(2))],
  ['tries again', (next) => next.handle().pipe(retry(2))],
  ['throws afterwards', (next) => next.handle().pipe(switchMap(() => throwError(() => new Error('later'))))],
  [
    'refuses afterwards',
    (next) =>
      next.handle().pipe(
        tap(() => {
          throw new HttpException('late', 403);
        }),
      ),
  ],
  ['never ends', (next) => next.handle().pipe(switchMap(() => NEVER))],
  ['gives a promise', (next) => Promise.resolve(next.handle())],
  [
    'changes the outcome in place',
    (next) =>
      next
        .handle()
        .pipe(
          tap((outcome) => void Object.assign(outcome as object, { kind: 'x', info: null, headers: null })),
        ),
  ],
];

/** What an interceptor may do in the place of the endpoint. */
const INSTEAD: [string, Intercept][] = [
  ['gives a number', () => of(1)],
  ['gives nothing', () => of(undefined)],
  ['gives an empty stream', () => EMPTY],
  ['gives an empty text by default', () => EMPTY.pipe(defaultIfEmpty(''))],
  ['returns undefined', () => undefined],
  ['returns a number', () => 5],
  [
    'throws',
    () => {
      throw new Error('secret');
    },
  ],
  ['fails', () => throwError(() => new Error('secret'))],
  ['fails with a text', () => throwError(() => 'secret')],
  ['fails with nothing', () => throwError(() => undefined)],
  ['gives an outcome of its own', () => of({ kind: 'created', info: { id: 'x' }, received: false })],
  ['rejects', () => Promise.reject(new Error('secret'))],
  ['stops waiting at once', (next) => next.handle().pipe(takeUntil(timer(0)), ignoreElements())],
];

describeEachAdapter('a global interceptor', (startApp) => {
  const started = (intercept: Intercept) => {
    const logged: string[] = [];
    const error = (...words: unknown[]) => void logged.push(words.map(String).join(' '));
    const logger = { error, warn: () => undefined, log: () => undefined };
    return startApp({
      imports: [TusModule.forRoot({ store, logger })],
      providers: [{ provide: APP_INTERCEPTOR, useValue: interceptor(intercept) }],
    }).then((running) => ({ ...running, logged }));
  };

  it.each(HARMLESS)('that %s changes no answer', async (_name, intercept) => {
    const { url } = await started(intercept);
    const one = await create(`${url}/files`, 5);
    expect((await answered(append(one, 0, 'hello'))).headers['upload-offset']).toBe('5');
    expect((await answered(send('HEAD', one, TUS))).headers['upload-length']).toBe('5');
    for (let count = 0; count < 2; count++) {
      expect(await answered(send('GET', one))).toMatchObject({ status: 200, body: 'hello' });
    }
    const whole = { ...TUS, ...OFFSET_STREAM, 'Upload-Length': 5 };
    expect((await answered(send('POST', `${url}/files`, whole, 'world'))).status).toBe(201);
    expect((await answered(send('DELETE', one, TUS))).status).toBe(204);
    expect((await answered(send('HEAD', one, TUS))).status).toBe(404);
  });

  it.each(INSTEAD)(
    'that %s in the place of the endpoint gets an answer, and it is no success',
    async (name, intercept) => {
      const { url, logged } = await started(intercept);
      const answers = [
        await answered(send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5 })),
        await answered(
          send('PATCH', `${url}/files/f00`, { ...TUS, ...OFFSET_STREAM, 'Upload-Offset': 0 }, 'hello'),
        ),
        await answered(send('HEAD', `${url}/files/f00`, TUS)),
        await answered(send('GET', `${url}/files/f00`)),
        await answered(send('DELETE', `${url}/files/f00`, TUS)),
      ];
      for (const answer of answers) {
        expect(answer.headers['tus-resumable']).toBe('1.0.0');
        expect(answer.body).not.toContain('secret');
        if (name !== 'stops waiting at once') expect(answer.status).toBeGreaterThanOrEqual(400);
      }
      if (name !== 'stops waiting at once') expect(logged.length).toBeGreaterThanOrEqual(answers.length);
    },
  );

  it('that keeps what the handler returned is asked again: the content is served', async () => {
    const kept = new Map<string, unknown>();
    const { url } = await started((next, context) => {
      const { method, url: target } = context.switchToHttp().getRequest<{ method: string; url: string }>();
      if (method !== 'GET') return next.handle();
      if (kept.has(target)) return of(kept.get(target));
      // As a cache that writes JSON does.
      return next.handle().pipe(tap((outcome) => kept.set(target, JSON.parse(JSON.stringify(outcome)))));
    });
    const one = await create(`${url}/files`, 5);
    await append(one, 0, 'hello');
    for (let count = 0; count < 3; count++) {
      expect(await answered(send('GET', one))).toMatchObject({ status: 200, body: 'hello' });
    }
    expect(await answered(send('GET', one, { Range: 'bytes=1-2' }))).toMatchObject({
      status: 206,
      body: 'el',
    });
    expect((await answered(send('DELETE', one, TUS))).status).toBe(204);
    expect((await answered(send('GET', one))).status).toBe(404);
  });

  it('sees no stream and no function in any outcome', async () => {
    const found: string[] = [];
    const look = (value: unknown, path: string): void => {
      if (typeof value === 'function') found.push(path);
      if (typeof value !== 'object' || value === null || value instanceof Date) return;
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && !Array.isArray(value)) found.push(path);
      for (const [key, member] of Object.entries(value)) look(member, `${path}.${key}`);
    };
    const { url } = await started((next) => next.handle().pipe(tap((outcome) => look(outcome, 'outcome'))));
    const one = await create(`${url}/files`, 5);
    await append(one, 0, 'hello');
    await send('HEAD', one, TUS);
    await send('GET', one);
    await send('DELETE', one, TUS);
    expect(found).toEqual([]);
  });

  it('that makes a request time out keeps what arrived, and the app lives', async () => {
    const { url } = await started((next) =>
      next.handle().pipe(
        takeUntil(timer(50)),
        switchMap(() => throwError(() => new HttpException('slow', 408))),
      ),
    );
    expect((await answered(send('GET', `${url}/files/f00`))).status).toBe(404);
  });
});

describeEachAdapter("the endpoint's own interceptor", (startApp) => {
  it.each(INSTEAD.filter(([name]) => name !== 'stops waiting at once'))(
    'that %s gets an answer',
    async (_name, intercept) => {
      const { url } = await startApp({
        imports: [TusModule.forRoot({ store, interceptors: [interceptor(intercept)] })],
      });
      const answer = await answered(send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5 }));
      expect([answer.status, answer.headers['tus-resumable']]).toEqual([500, '1.0.0']);
    },
  );
});
