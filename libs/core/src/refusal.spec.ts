import { errors, hasCode, ErrNotFound, HttpError } from './errors.js';
import { ErrorsTotalMap } from './metrics.js';
import { logEvent } from './log-event.js';
import { asHttpError } from './refusal.js';
import { StoreComposer } from './store/store-composer.js';
import { UploadEvents } from './events/upload-events.js';
import { stateOf, type FileInfo } from './file-info.js';

/** Looks like Nest's HttpException, which this package must not import. */
class StatusException extends Error {
  constructor(
    private readonly response: unknown,
    private readonly status: number,
  ) {
    super('the exception');
  }
  getStatus(): number {
    return this.status;
  }
  getResponse(): unknown {
    return this.response;
  }
}

describe('asHttpError', () => {
  it('passes its own kind', () => {
    const error = errors.notFound();
    expect(asHttpError(error)).toBe(error);
  });

  it('knows one of another copy of this package by its mark', () => {
    const foreign = Object.assign(new Error('upload not found'), {
      [Symbol.for('nestjs-tus.HttpError')]: true,
      code: 'ERR_UPLOAD_NOT_FOUND',
      status: 404,
      header: {},
    });
    expect(hasCode(asHttpError(foreign), ErrNotFound)).toBe(true);
    expect(asHttpError(foreign)).toBeInstanceOf(HttpError);
  });

  it.each([
    ['no', 403, { code: 'ERR_FORBIDDEN', message: 'no' }],
    [
      { statusCode: 401, message: 'who are you?' },
      401,
      { code: 'ERR_UNAUTHORIZED', message: 'who are you?' },
    ],
    [
      { statusCode: 400, message: ['a', 'b'], error: 'Bad Request' },
      400,
      { code: 'ERR_BAD_REQUEST', message: 'a; b' },
    ],
    [{ reason: 'quota' }, 413, { body: '{"reason":"quota"}' }],
  ])('keeps what an exception with a status says: %j', (response, status, expected) => {
    expect(asHttpError(new StatusException(response, status))).toMatchObject({ status, ...expected });
  });

  it('tells nothing of anything else', () => {
    const error = asHttpError(new Error('ENOENT: /srv/secret'));
    expect(error).toMatchObject({ status: 500, code: 'ERR_INTERNAL_SERVER_ERROR' });
    expect(error.message).not.toContain('secret');
    expect((error.cause as Error).message).toContain('secret');
  });
});

describe('ErrorsTotalMap', () => {
  it('counts by code and status', () => {
    const total = new ErrorsTotalMap();
    total.add(errors.notFound());
    total.add(errors.notFound());
    total.add(errors.fileLocked());
    expect(total.load()).toEqual([
      { code: 'ERR_UPLOAD_NOT_FOUND', status: 404, count: 2 },
      { code: 'ERR_UPLOAD_LOCKED', status: 423, count: 1 },
    ]);
  });
});

describe('logEvent', () => {
  it('writes the event and its details in pairs, quoted', () => {
    const lines: string[] = [];
    logEvent({ log: (line) => lines.push(line) }, 'UploadCreated', 'id', 'f00', 'name', 'a "b"\n');
    expect(lines).toEqual(['event="UploadCreated" id="f00" name="a \\"b\\"\\n"']);
  });
});

describe('StoreComposer', () => {
  it('unsets the core by undefined, and tells its capabilities', () => {
    const composer = new StoreComposer().useCore({} as never).useLocker({ newLock: () => ({}) as never });
    expect(composer.capabilities()).toMatch(/^Core: ✓ Terminater: ✗ Locker: ✓ Concater: ✗ LengthDeferrer: ✗/);
    composer.useCore(undefined);
    expect(composer.core).toBeUndefined();
    expect(composer.capabilities()).toMatch(/^Core: ✗/);
  });
});

describe('UploadEvents', () => {
  it('tells the others although one listener throws, and ends a subscription', () => {
    const seen: unknown[] = [];
    const logged: unknown[] = [];
    const events = new UploadEvents({
      error: (...line) => logged.push(line),
      warn: () => undefined,
      log: () => undefined,
    });
    events.on('created', () => {
      throw new Error('a bad listener');
    });
    const end = events.on('created', (event) => seen.push(event));
    events.emit('created', {} as never);
    end();
    events.emit('created', {} as never);
    expect(seen).toHaveLength(1);
    expect(logged).toHaveLength(2);
  });
});

describe('stateOf', () => {
  const info = (changes: Partial<FileInfo>) =>
    ({ size: 10, sizeIsDeferred: false, offset: 10, ...changes }) as FileInfo;
  it.each([
    [info({}), 'finished'],
    [info({ offset: 9 }), 'receiving'],
    [info({ state: 'receiving' }), 'finishing'],
    [info({ state: 'receiving', offset: 3 }), 'receiving'],
    [info({ sizeIsDeferred: true, size: 0, offset: 0 }), 'receiving'],
    [info({ state: 'rejected' }), 'rejected'],
    [info({ state: 'finished' }), 'finished'],
  ])('%j is %s', (value, state) => expect(stateOf(value)).toBe(state));
});
