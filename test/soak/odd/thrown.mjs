import { errors, HttpError } from '@nestjs-tus/core';
import { BadRequestException, HttpException, ImATeapotException } from '@nestjs/common';
import { circular, SECRET, throwingProxy, withThrowingGetters } from './objects.mjs';
import { BODIES, HEADERS, oddResponse, STATUSES } from './responses.mjs';

/** Everything that an app may throw, and what it may mean by it. */
const THROWN = [
  // Refusals of the engine's own kind.
  (random) =>
    new HttpError(
      {
        code: random.pick(['ERR_HOOK', 'ERR_имя', 'ERR_A\r\nB', '']),
        status: random.pick(STATUSES),
        message: 'not this one',
      },
      { header: random.pick(HEADERS)(), ...(random.chance(0.5) && { body: random.pick(BODIES)() }) },
    ),
  (random) =>
    new HttpError(
      { code: 'ERR_REFUSED', status: 422, message: 'not this one' },
      { header: random.pick(HEADERS)() },
    ),
  (random) => errors.uploadRejectedByServer(oddResponse(random)),
  (random) => errors.uploadTerminationRejected(oddResponse(random)),
  (random) => errors.notFound().with(oddResponse(random)),
  () => errors.uploadInterrupted(),
  () => errors.storageUnavailable(),
  // Nest's.
  (random) => new HttpException(random.pick(BODIES)(), random.pick(STATUSES)),
  (random) => new HttpException({ message: 'no', statusCode: random.pick(STATUSES) }, 403),
  () => new HttpException(circular(), 400),
  () => new BadRequestException({ message: ['a', 'б'], at: new Date(NaN), big: 5n }),
  () => new ImATeapotException(undefined),
  () => Object.assign(new BadRequestException('x'), { getStatus: () => thrower() }),
  () => Object.assign(new BadRequestException('x'), { getResponse: () => thrower() }),
  () => Object.assign(new BadRequestException('x'), { getResponse: () => undefined }),
  (random) => Object.assign(new BadRequestException('x'), { getStatus: () => random.pick(STATUSES) }),
  // Errors of others, whose texts are no client's business.
  () =>
    Object.assign(
      new Error(`Request failed with status code 404: http://scanner.internal/?token=${SECRET}`),
      {
        name: 'AxiosError',
        isAxiosError: true,
        code: 'ERR_BAD_REQUEST',
        status: 404,
        response: { status: 404, headers: {}, data: SECRET },
      },
    ),
  () => Object.assign(new Error(`connect ECONNREFUSED ${SECRET}`), { code: 'ECONNREFUSED', errno: -111 }),
  () => Object.assign(new Error(SECRET), { code: 'ERR_STREAM_PREMATURE_CLOSE', status: 499 }),
  (random) => Object.assign(new Error(SECRET), { statusCode: random.pick(STATUSES) }),
  (random) =>
    Object.assign(new TypeError(SECRET), {
      code: 'ERR_X',
      status: random.pick(STATUSES),
      header: random.pick(HEADERS)(),
    }),
  () => new Error(SECRET, { cause: throwingProxy() }),
  () => new AggregateError([new Error(SECRET), 'x'], SECRET),
  () => Object.defineProperty(new Error('x'), 'message', { get: () => thrower() }),
  () => Object.defineProperty(new Error('x'), 'stack', { get: () => thrower() }),
  () => Object.defineProperty(new Error(SECRET), 'status', { get: () => thrower() }),
  () => Object.assign(new Error(SECRET), { message: undefined, stack: undefined, name: Symbol('x') }),
  () =>
    Object.assign(new Error(SECRET), { toString: () => thrower(), [Symbol.toPrimitive]: () => thrower() }),
  () => new DOMException(SECRET, 'AbortError'),
  () => new RangeError(SECRET),
  // What is no error at all.
  () => SECRET,
  () => undefined,
  () => null,
  () => 0,
  () => 404,
  () => false,
  () => Symbol(SECRET),
  () => 10n,
  () => ({}),
  () => ({ status: 404, message: SECRET }),
  () => ({ statusCode: 403, header: { 'X-A': 'б' } }),
  () => Object.create(null),
  () => [],
  () => () => SECRET,
  () => Promise.resolve(SECRET),
  () => withThrowingGetters('status', 'message', 'stack', 'getStatus', 'code'),
  () => withThrowingGetters('name'),
  throwingProxy,
];

export const oddThrown = (random) => random.pick(THROWN)(random);

function thrower() {
  throw new Error(SECRET);
}
