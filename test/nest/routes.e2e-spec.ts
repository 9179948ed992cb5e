import type { ExecutionContext } from '@nestjs/common';
import { Controller, Get, Module, Post, Req, VERSION_NEUTRAL, VersioningType, Body } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { MemoryStore, TusController, TusModule, type HookEvent } from 'nestjs-tus';
import { append, create, send, TUS, upload } from './apps/http-client.js';
import { nodeRequest } from './apps/node-request.js';
import { describeEachAdapter, useBodyParser } from './adapters.js';

describeEachAdapter('routes', (startApp, { framework }) => {
  const store = { useFactory: () => new MemoryStore() };
  const ORIGIN = { Origin: 'https://app.example.com' };

  /** The whole life of an upload at a collection. */
  async function expectUploads(collection: string): Promise<void> {
    const one = await upload(collection, 'hello');
    expect(one).toMatch(new RegExp(`^${collection}/[0-9a-f]{32}$`));
    expect((await send('HEAD', one, TUS)).headers).toMatchObject({
      'upload-offset': '5',
      'cache-control': 'no-store',
    });
    expect((await send('GET', one)).body).toBe('hello');
    expect((await send('OPTIONS', collection)).headers['tus-version']).toBe('1.0.0');
    expect((await send('DELETE', one, TUS)).status).toBe(204);
  }

  describe('an endpoint', () => {
    it('lies below the global prefix and the version', async () => {
      const { url } = await startApp(
        { imports: [TusModule.forRoot({ store, version: '2' })] },
        {
          prepare: (app) => {
            app.setGlobalPrefix('/api/');
            app.enableVersioning({ type: VersioningType.URI });
          },
        },
      );
      await expectUploads(`${url}/api/v2/files`);
      expect((await send('OPTIONS', `${url}/files`)).headers['tus-version']).toBeUndefined();
    });

    it("has the app's default version, or none if it says so", async () => {
      const { url } = await startApp(
        {
          imports: [
            TusModule.forRoot({ store }),
            TusModule.forRoot({ name: 'fixed', path: 'fixed', store, version: VERSION_NEUTRAL }),
          ],
        },
        { prepare: (app) => app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }) },
      );
      await expectUploads(`${url}/v1/files`);
      await expectUploads(`${url}/fixed`);
    });

    it('may have its version in a header, which OPTIONS does not need', async () => {
      const { url } = await startApp(
        { imports: [TusModule.forRoot({ store, version: '2' })] },
        { prepare: (app) => app.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version' }) },
      );
      const collection = `${url}/files`;
      const versioned = await send('POST', collection, { ...TUS, 'X-Version': '2', 'Upload-Length': 5 });
      expect(versioned.status).toBe(201);
      expect((await send('POST', collection, { ...TUS, 'Upload-Length': 5 })).status).toBe(404);
      expect((await send('OPTIONS', collection)).headers['tus-version']).toBe('1.0.0');
    });

    it('offers the draft of the IETF, whose creations may have other methods', async () => {
      const { url } = await startApp({
        imports: [TusModule.forRoot({ store, enableExperimentalProtocol: true })],
      });
      for (const method of ['POST', 'PUT']) {
        const headers = { 'Upload-Draft-Interop-Version': '9', 'Upload-Complete': '?1' };
        const created = await send(method, `${url}/files`, headers, 'hello');
        expect([method, created.status < 300]).toEqual([method, true]);
        expect((await send('GET', created.headers.location ?? '')).body).toBe('hello');
      }
    });

    it('may be left out of the global prefix', async () => {
      const { url } = await startApp(
        { imports: [TusModule.forRoot({ store })] },
        { prepare: (app) => app.setGlobalPrefix('api', { exclude: ['files', 'files/*path'] }) },
      );
      await expectUploads(`${url}/files`);
    });

    it('may be under a module of RouterModule', async () => {
      const { url } = await startApp({
        imports: [
          TusModule.forRoot({ store }),
          RouterModule.register([{ path: 'media', module: TusModule }]),
        ],
      });
      await expectUploads(`${url}/media/files`);
    });

    it('may have route parameters, which hooks see in the request', async () => {
      const tenants: unknown[] = [];
      const { url } = await startApp({
        imports: [
          TusModule.forRoot({
            store,
            path: 'tenants/:tenantId/files',
            preUploadCreateCallback: ({ request }: HookEvent) => {
              tenants.push((request as { params: { tenantId: string } }).params.tenantId);
            },
          }),
        ],
      });
      await expectUploads(`${url}/tenants/7/files`);
      expect(tenants).toEqual(['7']);
    });

    it('names another URL in Location when it is told a public one', async () => {
      const { url } = await startApp({
        imports: [TusModule.forRoot({ store, publicUrl: 'https://cdn.example.com/up' })],
      });
      const answer = await send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5 });
      expect(answer.headers.location).toMatch(/^https:\/\/cdn\.example\.com\/up\/[0-9a-f]{32}$/);
    });

    it("may have a controller of the app's own", async () => {
      @Controller('documents')
      class DocumentsController extends TusController {
        @Get()
        list(): string[] {
          return ['a.txt'];
        }
      }
      const { url } = await startApp({
        imports: [TusModule.forRoot({ store, controller: DocumentsController })],
      });
      await expectUploads(`${url}/documents`);
      expect((await send('GET', `${url}/documents`)).body).toBe('["a.txt"]');
    });
  });

  describe('a method that a URL does not have', () => {
    it.each([
      ['PUT', '/files', 'OPTIONS, POST'],
      ['PATCH', '/files', 'OPTIONS, POST'],
      ['GET', '/files', 'OPTIONS, POST'],
      ['HEAD', '/files/', 'OPTIONS, POST'],
      ['PUT', '/files/f00', 'OPTIONS, HEAD, PATCH, DELETE'],
      ['POST', '/files/f00', 'OPTIONS, HEAD, PATCH, DELETE'],
      ['GET', '/files/f00', 'OPTIONS, HEAD, PATCH, DELETE'],
    ])('is 405 for %s %s', async (method, path, allow) => {
      const { url } = await startApp({ imports: [TusModule.forRoot({ store, disableDownload: true })] });
      const answer = await send(method, `${url}${path}`, TUS);
      expect([answer.status, answer.headers.allow, answer.headers['tus-resumable']]).toEqual([
        405,
        allow,
        '1.0.0',
      ]);
    });

    it('is 405 below a global prefix, too', async () => {
      const { url } = await startApp(
        { imports: [TusModule.forRoot({ store })] },
        { prepare: (app) => app.setGlobalPrefix('api') },
      );
      expect((await send('PUT', `${url}/api/files/f00`, TUS)).status).toBe(405);
    });

    it("is the app's, if the app has it", async () => {
      @Controller('files')
      class FilesController {
        @Get()
        list(): string[] {
          return ['a.txt'];
        }
      }
      @Module({ imports: [TusModule.forRoot({ store })], controllers: [FilesController] })
      class AppModule {}
      const { url } = await startApp({ imports: [AppModule] });
      expect((await send('GET', `${url}/files`)).body).toBe('["a.txt"]');
      await expectUploads(`${url}/files`);
    });
  });

  describe('X-HTTP-Method-Override', () => {
    it.each(['POST', 'PUT', 'GET', 'PATCH'])('counts, whatever %s says', async (method) => {
      const { url } = await startApp({ imports: [TusModule.forRoot({ store })] });
      const created = await send(method, `${url}/files`, {
        ...TUS,
        'X-HTTP-Method-Override': 'POST',
        'Upload-Length': 5,
      });
      expect(created.status).toBe(201);
      const one = new URL(created.headers.location ?? '').href;
      const head = await send(method, one, { ...TUS, 'X-HTTP-Method-Override': 'HEAD' });
      expect([head.status, head.headers['upload-offset']]).toEqual([200, '0']);
      expect((await send(method, one, { ...TUS, 'X-HTTP-Method-Override': 'DELETE' })).status).toBe(204);
      expect((await send(method, `${url}/files`, { 'X-HTTP-Method-Override': 'OPTIONS' })).status).toBe(200);
    });
  });

  describe('a URL with an escape that means nothing', () => {
    it('is an upload that does not exist; Fastify says so itself', async () => {
      const { url } = await startApp({ imports: [TusModule.forRoot({ store })] });
      const answer = await send('HEAD', `${url}/files/%zz`, TUS);
      expect(answer.status).toBe(framework === 'express' ? 404 : 400);
      if (framework === 'express') expect(answer.headers['tus-resumable']).toBe('1.0.0');
    });
  });

  @Controller('notes')
  class NotesController {
    @Post()
    echo(@Body() body: unknown, @Req() request: { headers: object }): unknown {
      return { body, headers: Object.keys(request.headers).includes('content-type') };
    }
  }

  describe('body parsers', () => {
    it.each([
      'application/json',
      'application/x-www-form-urlencoded',
      'text/plain',
      'application/octet-stream',
    ])('leave a creation with content of type %s alone', async (type) => {
      const seen: unknown[] = [];
      const { url } = await startApp(
        {
          imports: [
            TusModule.forRoot({
              store,
              preUploadCreateCallback: ({ httpRequest, request }: HookEvent) => {
                seen.push(httpRequest.header['content-type'], nodeRequest(request).readableDidRead);
              },
            }),
          ],
          controllers: [NotesController],
        },
        {
          prepare: (app) => {
            useBodyParser(app, framework === 'express' ? 'text' : 'text/plain');
            if (framework === 'express') useBodyParser(app, 'raw', { type: '*/*' });
            else useBodyParser(app, '*');
          },
          nest: { rawBody: true },
        },
      );
      const created = await send(
        'POST',
        `${url}/files`,
        { ...TUS, 'Upload-Length': 5, 'Content-Type': type },
        '{"a":1}',
      );
      expect([created.status, ...seen]).toEqual([201, type, false]);
      const answer = await append(created.headers.location ?? '', 0, 'hello');
      expect(answer.status).toBe(204);
    });

    it('still parse what is for the app', async () => {
      const { url } = await startApp({
        imports: [TusModule.forRoot({ store })],
        controllers: [NotesController],
      });
      const answer = await send('POST', `${url}/notes`, { 'Content-Type': 'application/json' }, '{"a":1}');
      expect(JSON.parse(answer.body)).toEqual({ body: { a: 1 }, headers: true });
    });

    it('that are put in front of everything else make a loud error, not an empty upload', async () => {
      const { url } = await startApp({
        imports: [TusModule.forRoot({ store, guards: [{ canActivate: drain }], logger: silent })],
      });
      const one = await create(`${url}/files`, 5);
      const answer = await append(one, 0, 'hello');
      expect([answer.status, answer.body]).toEqual([500, expect.stringContaining('ERR_BODY_CONSUMED')]);
      expect((await send('HEAD', one, TUS)).headers['upload-offset']).toBe('0');
    });
  });

  const silent = { error: () => undefined, warn: () => undefined, log: () => undefined };

  /** What a body parser does, done by a guard. */
  async function drain(context: ExecutionContext): Promise<boolean> {
    const request = nodeRequest(context.switchToHttp().getRequest());
    if (request.method === 'PATCH') for await (const _ of request) void _;
    return true;
  }

  describe('enableCors', () => {
    it('neither swallows OPTIONS nor doubles a header', async () => {
      const { url } = await startApp(
        { imports: [TusModule.forRoot({ store })] },
        { prepare: (app) => app.enableCors({ origin: 'https://app.example.com', credentials: true }) },
      );
      const options = await send('OPTIONS', `${url}/files`, {
        ...ORIGIN,
        'Access-Control-Request-Method': 'PATCH',
      });
      expect(options.headers).toMatchObject({
        'tus-version': '1.0.0',
        'access-control-allow-origin': 'https://app.example.com',
        'access-control-allow-methods': expect.stringContaining('PATCH'),
      });
      const created = await send('POST', `${url}/files`, { ...TUS, ...ORIGIN, 'Upload-Length': 5 });
      expect([created.status, created.headers['access-control-allow-origin']]).toEqual([
        201,
        'https://app.example.com',
      ]);
      expect(created.headers['access-control-expose-headers']).toContain('Location');
    });
  });
});
