import { type INestApplication, type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { Body, Controller, Injectable, Put, RequestMethod, type NestMiddleware } from '@nestjs/common';
import fastifyCompress from '@fastify/compress';
import fastifyHelmet from '@fastify/helmet';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import compression from 'compression';
import helmet from 'helmet';
import { lookup } from 'node:dns/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MemoryStore, TusModule } from 'nestjs-tus';
import { describeEachAdapter } from './adapters.js';
import { append, create, OFFSET_STREAM, send, TUS, upload } from './apps/http-client.js';

const store = { useFactory: () => new MemoryStore() };
const ORIGIN = { Origin: 'https://app.example.com' };
const TEXT = 'compressible '.repeat(1_000);

describeEachAdapter('an app with', (startApp, { framework }) => {
  const started = (prepare: (app: INestApplication) => void) =>
    startApp({ imports: [TusModule.forRoot({ store })] }, { prepare: (app) => prepare(app) });

  it.each(['middleware', 'plugin'])(
    'helmet as %s gives its headers to answers of the module',
    async (kind) => {
      const { url } = await started((app) => {
        if (framework === 'fastify' && kind === 'plugin') {
          void (app as NestFastifyApplication).register(fastifyHelmet);
        } else {
          app.use(helmet());
        }
      });
      const one = await create(`${url}/files`, 5);
      for (const answer of [await append(one, 0, 'hello'), await send('HEAD', `${url}/files/f00`, TUS)]) {
        expect(answer.headers['strict-transport-security']).toBeDefined();
        expect(answer.headers['tus-resumable']).toBe('1.0.0');
      }
      expect((await send('GET', one)).body).toBe('hello');
    },
  );

  it.each(['middleware', 'plugin'])('compression as %s serves what was uploaded', async (kind) => {
    const { url } = await started((app) => {
      if (framework === 'fastify' && kind === 'plugin') {
        void (app as NestFastifyApplication).register(fastifyCompress);
      } else {
        app.use(compression());
      }
    });
    const one = await upload(`${url}/files`, TEXT, { 'Upload-Metadata': 'filetype dGV4dC9wbGFpbg==' });
    const fetched = await fetch(one, { headers: { 'Accept-Encoding': 'gzip' } });
    expect(await fetched.text()).toBe(TEXT);
    const part = await fetch(one, { headers: { Range: 'bytes=0-11', 'Accept-Encoding': 'identity' } });
    expect([part.status, await part.text()]).toEqual([206, TEXT.slice(0, 12)]);
    expect((await send('HEAD', one, TUS)).headers['upload-offset']).toBe(String(TEXT.length));
  });

  it('a body parser in front of everything answers with a loud error', async () => {
    const { url } = await startApp(
      {
        imports: [
          TusModule.forRoot({
            store,
            logger: { error: () => undefined, warn: () => undefined, log: () => undefined },
          }),
        ],
      },
      {
        prepare: (app) =>
          app.use((req: IncomingMessage, _res: ServerResponse, next: () => void) => {
            if (req.method !== 'PATCH') return next();
            req.once('end', next).resume();
          }),
      },
    );
    const one = await create(`${url}/files`, 5);
    const answer = await append(one, 0, 'hello');
    expect([answer.status, answer.body]).toEqual([500, expect.stringContaining('ERR_BODY_CONSUMED')]);
    expect((await send('HEAD', one, TUS)).headers['upload-offset']).toBe('0');
  });

  it.each([
    ['nothing', undefined],
    ['defaults', {}],
    ['a list of methods', { origin: true, methods: ['GET'], credentials: true, maxAge: 5 }],
  ])('enableCors of %s answers OPTIONS by the module, a preflight or not', async (_name, options) => {
    const { url } = await started((app) => void (options && app.enableCors(options)));
    for (const path of ['/files', '/files/', '/files/f00']) {
      const bare = await send('OPTIONS', `${url}${path}`);
      expect([bare.status, bare.headers['tus-version']]).toEqual([200, '1.0.0']);
      const preflight = await send('OPTIONS', `${url}${path}`, {
        ...ORIGIN,
        'Access-Control-Request-Method': 'PATCH',
        'Access-Control-Request-Headers': 'upload-offset',
      });
      expect(preflight.headers['tus-version']).toBe('1.0.0');
      expect(preflight.headers['access-control-allow-methods']).toContain('PATCH');
      expect(preflight.headers['access-control-allow-headers']).toContain('Upload-Offset');
      expect(['*', ORIGIN.Origin]).toContain(preflight.headers['access-control-allow-origin']);
    }
  });

  it('module middleware runs it for uploads, once', async () => {
    const seen: string[] = [];
    @Injectable()
    class Watch implements NestMiddleware {
      use(
        { method, originalUrl }: IncomingMessage & { originalUrl: string },
        _res: object,
        next: () => void,
      ) {
        seen.push(`${method} ${originalUrl.replace(/[0-9a-f]{32}/, 'id')}`);
        next();
      }
    }
    @Module({ imports: [TusModule.forRoot({ store })] })
    class AppModule implements NestModule {
      configure(consumer: MiddlewareConsumer): void {
        consumer
          .apply(Watch)
          .forRoutes(
            { path: 'files', method: RequestMethod.POST },
            { path: 'files/:id', method: RequestMethod.ALL },
          );
      }
    }
    const { url } = await startApp({ imports: [AppModule] });
    const one = await create(`${url}/files`, 5);
    await append(one, 0, 'hello');
    await send('GET', one, { 'X-HTTP-Method-Override': 'HEAD', ...TUS });
    expect(seen).toEqual(['POST /files', 'PATCH /files/id', 'POST /files/id']);
  });

  it("routes of its own at the endpoint's path gets their bodies parsed", async () => {
    @Controller('files')
    class RenameController {
      @Put(':id')
      rename(@Body() body: unknown): unknown {
        return { renamed: body };
      }
    }
    const { url } = await startApp({
      imports: [TusModule.forRoot({ store })],
      controllers: [RenameController],
    });
    const answer = await send(
      'PUT',
      `${url}/files/f00`,
      { 'Content-Type': 'application/json' },
      '{"name":"a.txt"}',
    );
    expect(JSON.parse(answer.body)).toEqual({ renamed: { name: 'a.txt' } });
  });

  it.each(['application/json', 'application/x-www-form-urlencoded', 'application/x-unheard-of', undefined])(
    'body parsers stores a body of more than their limit, of type %s',
    async (type) => {
      const { url } = await startApp(
        { imports: [TusModule.forRoot({ store })] },
        { nest: { rawBody: true } },
      );
      const content = 'x'.repeat(2_000_000);
      const overriding = { 'X-HTTP-Method-Override': 'PATCH', ...OFFSET_STREAM, 'Upload-Offset': 0 };
      const one = await create(`${url}/files/`, content.length, type ? { 'Content-Type': type } : {});
      expect((await send('POST', one, { ...TUS, ...overriding }, content)).status).toBe(204);
      expect((await send('GET', one)).body).toHaveLength(content.length);
    },
  );

  it('listen(0) serves uploads on every address that it takes', async () => {
    const { url } = await startApp({ imports: [TusModule.forRoot({ store })] }, { host: undefined });
    for (const address of await lookup('localhost', { all: true })) {
      const host = address.family === 6 ? `[${address.address}]` : address.address;
      const collection = `${url.replace('127.0.0.1', host)}/files/`;
      expect((await send('OPTIONS', collection)).headers['tus-version']).toBe('1.0.0');
      const one = await upload(collection, 'hello');
      expect(one).toMatch(new RegExp(`^${collection.replace(/[[\]]/g, '\\$&')}[0-9a-f]{32}$`));
      expect((await send('POST', one, { ...TUS, 'X-HTTP-Method-Override': 'DELETE' })).status).toBe(204);
    }
  });
});
