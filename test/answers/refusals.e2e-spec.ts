import { errors, HttpError, isHttpError, type MetaData } from '@nestjs-tus/core';
import { within } from '../harness/eventually.js';
import { hooked, refusal } from '../harness/hooked-server.js';
import { startInProcess } from '../harness/in-process-server.js';
import { rawExchange } from '../harness/raw-socket.js';
import {
  create,
  createUpload,
  download,
  head,
  OFFSET_STREAM,
  patch,
  send,
  type Reply,
} from '../harness/tus-requests.js';
import { base64 } from '../harness/wire-values.js';

const answered = (reply: Promise<Reply>) => within('an answer', reply, 5_000);
const NO = { code: 'ERR_NO', status: 422, message: 'not this one' };

const thrower = (): never => {
  throw new Error('a getter that throws');
};
const throwing = (value: unknown) => () => {
  throw value;
};

/** As Nest's, which core does not import. */
class HttpException extends Error {
  constructor(
    private readonly response: unknown,
    private readonly status: unknown,
  ) {
    super('the text of the exception');
  }
  getStatus(): unknown {
    if (this.status === 'throw') return thrower();
    return this.status;
  }
  getResponse(): unknown {
    if (this.response === 'throw') return thrower();
    return this.response;
  }
}

describe('a refusal with a header that cannot be sent', () => {
  it.each([
    ['the name of a file in another script', '报告.pdf'],
    ['no name at all, which is no fault', undefined],
    ['a line break', 'a\r\nX-Injected: yes'],
  ])('goes through without it: %s', async (_name, filename) => {
    const { server } = await hooked({
      create: ({ upload }) => {
        const name = (upload.metaData as Partial<MetaData>)['filename'] as string;
        throw new HttpError(NO, { header: { 'X-File': name, 'X-Why': 'policy' } });
      },
    });
    const metadata = filename === undefined ? {} : { 'Upload-Metadata': `filename ${base64(filename)}` };
    const reply = await answered(create(server.url, { 'Upload-Length': '5', ...metadata }));
    expect([reply.status, reply.text, reply.headers['x-why']]).toEqual([
      422,
      'ERR_NO: not this one\n',
      'policy',
    ]);
    expect(reply.headers).not.toHaveProperty('x-file');
    expect(reply.headers).not.toHaveProperty('x-injected');
    expect(server.complaints).toEqual(filename === undefined ? [] : [expect.stringContaining('X-File')]);
  });

  it('is kept without it, for all who ask later', async () => {
    const { server } = await hooked({
      finish: throwing(new HttpError(NO, { header: { 'X-File': '报告.pdf' }, body: 'virus' })),
    });
    const url = await createUpload(server.url, 5);
    expect(await answered(patch(url, 0, 'hello'))).toMatchObject({ status: 422, text: 'virus' });
    expect((await answered(head(url))).status).toBe(422);
    expect(await answered(download(url))).toMatchObject({ status: 422, text: 'virus' });
  });
});

describe('what a hook throws', () => {
  it.each<[string, unknown, number, string | RegExp]>([
    ['an odd status', new HttpError({ ...NO, status: 42 }), 500, 'ERR_NO: not this one\n'],
    [
      'a status that is text',
      new HttpError({ ...NO, status: '422' as never }),
      500,
      'ERR_NO: not this one\n',
    ],
    ['no status', new HttpError({ code: 'ERR_NO', message: 'no' } as never), 500, 'ERR_NO: no\n'],
    ['a body that is an object', new HttpError(NO, { body: { a: 1 } as never }), 422, '{"a":1}'],
    ['a body that cannot be text', new HttpError(NO, { body: 1n as never }), 422, /./],
    ['headers that are null', new HttpError(NO, { header: null as never }), 422, /./],
    [
      'headers that are a Proxy',
      new HttpError(NO, { header: new Proxy({}, { ownKeys: thrower }) }),
      422,
      /./,
    ],
    ['options that are null', new HttpError(NO, null as never), 422, /./],
    ['a changed one', Object.assign(new HttpError(NO), { status: 'x', header: 5 }), 500, /./],
    ['a Proxy of one', new Proxy(new HttpError(NO), { get: thrower }), 500, /./],
    ['a response of null', errors.uploadRejectedByServer(null as never), 400, /./],
    [
      'a response that is odd',
      errors.uploadRejectedByServer({ statusCode: 700, body: 5 } as never),
      400,
      /./,
    ],
    ['an exception of Nest', new HttpException('no', 403), 403, 'ERR_FORBIDDEN: no\n'],
    ['one with an odd status', new HttpException('no', 0), 500, /no/],
    ['one whose getStatus throws', new HttpException('no', 'throw'), 500, /./],
    ['one whose getResponse throws', new HttpException('throw', 403), 403, /./],
    ['one whose response holds itself', new HttpException(circularOf(), 403), 403, /./],
    ['one whose response is a BigInt', new HttpException(1n, 403), 403, /./],
    ['one whose response is nothing', new HttpException(undefined, 403), 403, /./],
    ['null', null, 500, /something went wrong/],
    ['undefined', undefined, 500, /something went wrong/],
    ['a text', 'secret text', 500, /something went wrong/],
    ['a number', 404, 500, /something went wrong/],
    ['a Symbol', Symbol('x'), 500, /something went wrong/],
    ['a function', () => 1, 500, /something went wrong/],
    ['an object like an error', { status: 404, code: 'ERR_X', message: 'secret' }, 500, /went wrong/],
    ['a revoked Proxy', revoked(), 500, /something went wrong/],
    [
      'an error whose stack throws',
      Object.defineProperty(new Error('x'), 'stack', { get: thrower }),
      500,
      /./,
    ],
  ])('is answered: %s', async (_name, thrown, status, text) => {
    for (const hook of ['create', 'finish', 'terminate'] as const) {
      const { server, hooks } = await hooked({});
      const url = await createUpload(server.url, 5);
      hooks[hook] = throwing(thrown);
      const reply = await answered(
        hook === 'create'
          ? create(server.url, { 'Upload-Length': '5' })
          : hook === 'finish'
            ? patch(url, 0, 'hello')
            : send('DELETE', url, { 'Tus-Resumable': '1.0.0' }),
      );
      expect(reply.status).toBe(status);
      if (typeof text === 'string') expect(reply.text).toBe(text);
      else expect(reply.text).toMatch(text);
      expect(reply.text).not.toContain('secret');
      expect(reply.headers['tus-resumable']).toBe('1.0.0');
      if (status === 500) expect(server.complaints.length).toBeGreaterThan(0);
    }
  });

  it('is awaited where it is a promise that rejects with an error', async () => {
    const { server } = await hooked({ create: () => Promise.reject(refusal(403, 'quota')) });
    expect(await answered(create(server.url, { 'Upload-Length': '5' }))).toMatchObject({ status: 403 });
  });
});

/** What libraries throw: none of it is meant for a client. */
const FOREIGN: [string, Error][] = [
  [
    'an AxiosError',
    Object.assign(new Error('Request failed with status code 404 http://scanner.internal/?token=s3cr3t'), {
      name: 'AxiosError',
      code: 'ERR_BAD_REQUEST',
      status: 404,
      config: {},
      response: { status: 404 },
    }),
  ],
  ['an error of fetch', Object.assign(new TypeError('fetch failed: s3cr3t'), { cause: new Error('s3cr3t') })],
  ['an error of Node', Object.assign(new Error('s3cr3t'), { code: 'ERR_INVALID_ARG_TYPE', status: 400 })],
  ['a system error', Object.assign(new Error('connect ECONNREFUSED s3cr3t'), { code: 'ECONNREFUSED' })],
  ['an error of pg', Object.assign(new Error('s3cr3t'), { code: '23505', severity: 'ERROR', status: 409 })],
  ['an error of Multer', Object.assign(new Error('s3cr3t'), { code: 'LIMIT_FILE_SIZE', status: 413 })],
  ['an error of zod', Object.assign(new Error('s3cr3t'), { issues: [], statusCode: 422 })],
  [
    'an error of http-errors',
    Object.assign(new Error('s3cr3t'), {
      status: 404,
      statusCode: 404,
      expose: true,
      headers: { 'X-A': '1' },
    }),
  ],
  [
    'an error in the shape of ours',
    Object.assign(new Error('s3cr3t'), {
      name: 'HttpError',
      code: 'ERR_UPLOAD_REJECTED',
      status: 403,
      header: {},
    }),
  ],
];

describe('errors of other libraries', () => {
  it.each(FOREIGN)('are no refusals: %s', async (_name, error) => {
    const { server, hooks } = await hooked({ finish: throwing(error) });
    const url = await createUpload(server.url, 5);
    const reply = await answered(patch(url, 0, 'hello'));
    expect(reply.status).toBe(500);
    expect(JSON.stringify([reply.text, reply.headers])).not.toContain('s3cr3t');
    expect(server.complaints.join('\n')).toContain('s3cr3t');
    expect((await answered(head(url))).status).toBe(423);
    hooks.finish = undefined;
    expect((await answered(head(url))).headers['upload-offset']).toBe('5');
    expect((await answered(download(url))).text).toBe('hello');
  });

  it('are told from ours by a mark that another copy of the package has, too', () => {
    const brand = Symbol.for('nestjs-tus.HttpError');
    const foreign = Object.assign(new Error('no'), { [brand]: true, code: 'ERR_X', status: 404, header: {} });
    expect([isHttpError(foreign), isHttpError(errors.notFound())]).toEqual([true, true]);
    expect(FOREIGN.map(([, error]) => isHttpError(error))).toEqual(FOREIGN.map(() => false));
    expect([null, undefined, 5, 'x', revoked()].map(isHttpError)).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('a refusal of a finished upload', () => {
  it.each([400, 403, 409, 413, 415, 422])(
    'is kept, by whatever request it was finished: %i',
    async (status) => {
      const { server } = await hooked({ finish: throwing(refusal(status, 'too many pixels')) });
      const patched = await createUpload(server.url, 5);
      expect((await answered(patch(patched, 0, 'hello'))).status).toBe(status);
      const headers = { 'Upload-Length': '5', 'Content-Type': OFFSET_STREAM };
      const created = await answered(create(server.url, headers, 'hello'));
      expect(created).toMatchObject({ status, text: 'too many pixels' });
      for (const url of [patched, created.headers.location ?? '']) {
        expect((await answered(head(url))).status).toBe(status);
        expect(await answered(download(url))).toMatchObject({ status, text: 'too many pixels' });
      }
      expect((await server.uploads()).map(({ state }) => state)).toEqual(['rejected', 'rejected']);
    },
  );

  it('counts as one of the hook, also with an error of the protocol that means a body that is too long', async () => {
    for (const error of [errors.sizeExceeded(), errors.maxSizeExceeded()]) {
      const { server } = await hooked({ finish: throwing(error) });
      const headers = { 'Upload-Length': '5', 'Content-Type': OFFSET_STREAM };
      expect((await answered(create(server.url, headers, 'hello'))).status).toBe(413);
      await answered(patch(await createUpload(server.url, 5), 0, 'hello'));
      expect((await server.uploads()).map(({ state }) => state)).toEqual(['rejected', 'rejected']);
    }
  });

  it('leaves no upload of a creation that brought more than it announced', async () => {
    const server = await startInProcess();
    const { response } = await rawExchange(
      server.port,
      'POST',
      '/files/',
      {
        'Tus-Resumable': '1.0.0',
        'Upload-Length': '5',
        'Content-Type': OFFSET_STREAM,
        'Transfer-Encoding': 'chunked',
      },
      'b\r\nhello world\r\n0\r\n\r\n',
    );
    expect(response.status).toBe(413);
    expect(await server.uploads()).toEqual([]);
  });
});

describe('the Content-Length of a refused HEAD', () => {
  it('is left out, since a GET would have another', async () => {
    const { server } = await hooked({ finish: throwing(refusal(422, 'virus found')) });
    const rejected = await createUpload(server.url, 5);
    await patch(rejected, 0, 'hello');
    const missing = new URL('0123456789abcdef0123456789abcdef', server.url).href;
    for (const [url, status] of [
      [rejected, 422],
      [missing, 404],
    ] as const) {
      const reply = await answered(head(url));
      expect([reply.status, reply.headers['content-length']]).toEqual([status, undefined]);
    }
    const unversioned = await answered(head(missing, { 'Tus-Resumable': '0.2.2' }));
    expect([unversioned.status, unversioned.headers['content-length']]).toEqual([412, undefined]);
  });
});

describe('stopUpload', () => {
  it.each<[string, unknown, number]>([
    ['nothing', undefined, 400],
    ['null', null, 400],
    ['a text', 'stop', 400],
    ['an odd status', { statusCode: 1000 }, 400],
    ['a header that cannot be sent', { statusCode: 409, header: { 'X-File': '报告' } }, 409],
    ['a Proxy that throws', new Proxy({}, { get: thrower, ownKeys: thrower }), 400],
    ['an odd body', { statusCode: 413, body: { a: 1 } }, 413],
  ])('ends the upload whatever it is given: %s', async (_name, response, status) => {
    const { server } = await hooked({});
    server.handler.events.on('created', ({ upload }) => upload.stopUpload(response as never));
    const headers = { 'Upload-Length': '5', 'Content-Type': OFFSET_STREAM };
    const reply = await answered(create(server.url, headers, 'hello'));
    expect(reply.status).toBe(status);
    expect(await server.uploads()).toEqual([]);
  });
});

function circularOf(): unknown {
  const value: Record<string, unknown> = { message: 5 };
  value['self'] = value;
  return value;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
