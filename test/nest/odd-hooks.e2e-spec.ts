import { ForbiddenException, HttpException, Injectable } from '@nestjs/common';
import {
  errors,
  HttpError,
  MemoryStore,
  TusEvents,
  TusModule,
  type HookResult,
  type TusHooks,
} from 'nestjs-tus';
import { within } from '../harness/eventually.js';
import { describeEachAdapter } from './adapters.js';
import { OFFSET_STREAM, send, TUS, type Answer } from './apps/http-client.js';

const ROUNDS = 60;
/** Milliseconds; seven connections a round. */
const DEADLINE = 300_000;
const answered = (answer: Promise<Answer>) => within('an answer', answer, 5_000);

/** The same numbers in every run: a failure can be seen again. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const thrower = (): never => {
  throw new Error('a trap');
};
const circular: Record<string, unknown> = {};
circular['self'] = circular;

/** Everything that a program may put where something else belongs. */
const ODDITIES: readonly unknown[] = [
  ...[
    undefined,
    null,
    true,
    0,
    -1,
    1.5,
    Number.NaN,
    Infinity,
    1n,
    '',
    'text',
    'ё',
    'a\r\nX-Injected: y',
    '\ud800',
    Symbol('s'),
  ],
  ...[
    200,
    204,
    304,
    413,
    599,
    600,
    99,
    '201',
    [],
    ['a'],
    {},
    new Map([['a', 'b']]),
    new Set([1]),
    new Date(Number.NaN),
  ],
  ...[
    new Date(),
    Buffer.from('x'),
    () => 1,
    circular,
    new Error('secret'),
    Promise.resolve(5),
    Object.create(null),
  ],
  new Proxy({}, { get: thrower, ownKeys: thrower, getPrototypeOf: thrower }),
  Object.defineProperty({}, 'response', { get: thrower, enumerable: true }),
  new Headers({ 'X-A': '1' }),
  new URL('http://a.example'),
  'x'.repeat(20_000),
];
const KEYS = [
  'id',
  'metaData',
  'storage',
  'maxSize',
  'expiresAt',
  'context',
  'statusCode',
  'header',
  'body',
  'status',
  'x',
];
const FIELDS = [
  'X-A',
  'content-type',
  'Content-Length',
  'TRANSFER-ENCODING',
  'connection',
  'Location',
  'a b',
  '',
  'ё',
  ':status',
];
const HEADER_FIELDS = [
  'Upload-Offset',
  'set-cookie',
  'Vary',
  'Date',
  'Trailer',
  'Access-Control-Allow-Origin',
];

/** Odd answers of hooks, and odd things that they throw. */
function oddAuthor(random: () => number) {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const record = (keys: readonly string[]) =>
    Object.fromEntries(Array.from({ length: 1 + Math.floor(random() * 3) }, () => [pick(keys), value()]));
  const value = (): unknown => {
    const chance = random();
    if (chance < 0.55) return pick(ODDITIES);
    if (chance < 0.8) return record([...FIELDS, ...HEADER_FIELDS]);
    return record(KEYS);
  };
  const error = (): unknown => {
    const chance = random();
    if (chance < 0.35) {
      const descriptor = {
        code: pick(['ERR_X', value()]),
        status: pick([403, 413, 422, 503, value()]),
        message: value(),
      };
      return new HttpError(descriptor as never, { header: value(), body: value(), cause: value() } as never);
    }
    if (chance < 0.6) return new HttpException(value() as string, pick([403, 500, value()]) as number);
    if (chance < 0.7) return new ForbiddenException(value());
    if (chance < 0.8) return errors.uploadRejectedByServer(value() as never);
    if (chance < 0.9)
      return Object.assign(new Error('secret'), { status: value(), code: value(), statusCode: value() });
    return value();
  };
  const answer = (): unknown => {
    const chance = random();
    if (chance < 0.3) throw error();
    if (chance < 0.4)
      return Promise.resolve().then(() => {
        throw error();
      });
    if (chance < 0.5) return value();
    return { ...(random() < 0.5 && { changes: value() }), ...(random() < 0.6 && { response: value() }) };
  };
  return { answer, value };
}

describeEachAdapter('hooks of an odd author', (startApp, { name }) => {
  it(
    `get every request answered, and leave an app that serves (${ROUNDS} rounds)`,
    async () => {
      const author = oddAuthor(randomNumbers(name.length));
      let isOdd = true;
      const ask = () => (isOdd ? author.answer() : undefined) as HookResult;
      @Injectable()
      class OddHooks implements TusHooks {
        preUploadCreate(): HookResult {
          return ask();
        }
        preFinishResponse(): HookResult {
          return ask();
        }
        preUploadTerminate(): HookResult {
          return ask();
        }
      }
      const quiet = () => undefined;
      const { app, url } = await startApp({
        imports: [
          TusModule.forRoot({
            store: { useFactory: () => new MemoryStore() },
            hooks: [OddHooks],
            enableExperimentalProtocol: true,
            logger: { error: quiet, warn: quiet, log: quiet },
          }),
        ],
      });
      app.get(TusEvents).created$.subscribe(({ upload }) => {
        if (isOdd && upload.size === 6) upload.stopUpload(author.value() as never);
      });

      const expectSound = (answer: Answer) => {
        expect(answer.status).toBeGreaterThanOrEqual(200);
        expect(answer.status).toBeLessThan(600);
        expect(answer.headers).not.toHaveProperty('x-injected');
        expect(answer.body).not.toContain('a trap');
      };
      for (let round = 0; round < ROUNDS; round++) {
        const size = 5 + (round % 2);
        const content = 'hello!'.slice(0, size);
        const whole = { ...TUS, ...OFFSET_STREAM, 'Upload-Length': size };
        expectSound(await answered(send('POST', `${url}/files`, whole, content)));
        expectSound(await answered(send('POST', `${url}/files`, { 'Upload-Complete': '?1' }, content)));
        isOdd = false;
        const made = await answered(send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5 }));
        expect(made.status).toBe(201);
        isOdd = true;
        const one = new URL(made.headers.location ?? '', url).href;
        expectSound(
          await answered(send('PATCH', one, { ...TUS, ...OFFSET_STREAM, 'Upload-Offset': 0 }, 'hello')),
        );
        expectSound(await answered(send('HEAD', one, TUS)));
        expectSound(await answered(send('GET', one)));
        expectSound(await answered(send('DELETE', one, TUS)));
      }

      isOdd = false;
      const last = await send(
        'POST',
        `${url}/files`,
        { ...TUS, ...OFFSET_STREAM, 'Upload-Length': 5 },
        'hello',
      );
      expect(last.status).toBe(201);
      expect((await send('GET', new URL(last.headers.location ?? '', url).href)).body).toBe('hello');
    },
    DEADLINE,
  );
});
