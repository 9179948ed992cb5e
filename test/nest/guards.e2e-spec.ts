import { Controller, Get, Injectable, Module } from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { MemoryStore, TusModule, type Outcome } from 'nestjs-tus';
import { map, tap } from 'rxjs';
import { ApiKeyGuard, ApiKeys, AuthModule } from './apps/api-key.js';
import { append, create, idOf, send, TUS } from './apps/http-client.js';
import { describeEachAdapter } from './adapters.js';

describeEachAdapter('guards and interceptors', (startApp) => {
  const store = { useFactory: () => new MemoryStore() };
  const KEY = { 'X-Api-Key': 'k-ada' };
  const ORIGIN = { Origin: 'https://app.example.com' };

  describe('a guard of the registration', () => {
    const guarded = () =>
      startApp({ imports: [TusModule.forRoot({ store, guards: [ApiKeyGuard], imports: [AuthModule] })] });

    it.each([
      ['POST', '', {}],
      ['HEAD', '/f00', {}],
      ['GET', '/f00', {}],
      ['PATCH', '/f00', {}],
      ['DELETE', '/f00', {}],
      ['POST', '/f00', { 'X-HTTP-Method-Override': 'PATCH' }],
      ['GET', '/f00', { 'X-HTTP-Method-Override': 'DELETE' }],
      ['PUT', '/f00', { 'X-HTTP-Method-Override': 'HEAD' }],
      ['GET', '', { 'X-HTTP-Method-Override': 'POST' }],
    ])('refuses %s%s %j with the headers of protocol and CORS', async (method, path, headers) => {
      const { url } = await guarded();
      const answer = await send(method, `${url}/files${path}`, {
        ...TUS,
        ...ORIGIN,
        ...headers,
        'Upload-Length': 5,
      });
      expect(answer.status).toBe(401);
      expect(answer.headers).toMatchObject({
        'tus-resumable': '1.0.0',
        'access-control-allow-origin': 'https://app.example.com',
        'access-control-expose-headers': expect.stringContaining('Upload-Offset'),
      });
      if (method !== 'HEAD' && !('X-HTTP-Method-Override' in headers)) {
        expect(answer.body).toBe('ERR_UNAUTHORIZED: who are you?\n');
      }
    });

    it('lets the right ones in', async () => {
      const { url } = await guarded();
      const upload = await create(`${url}/files`, 5, KEY);
      expect((await append(upload, 0, 'hello', KEY)).status).toBe(204);
      expect((await send('GET', upload, KEY)).body).toBe('hello');
    });

    it('does not see OPTIONS', async () => {
      const { url } = await guarded();
      const answer = await send('OPTIONS', `${url}/files`, ORIGIN);
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({
        'tus-version': '1.0.0',
        'access-control-allow-methods': expect.stringContaining('PATCH'),
      });
    });

    it('is told the operation, after method override', async () => {
      const { app, url } = await guarded();
      const upload = await create(`${url}/files`, 5, KEY);
      const id = idOf(upload);
      await send('POST', upload, { ...TUS, ...KEY, 'X-HTTP-Method-Override': 'HEAD' });
      await append(upload, 0, 'hello', KEY);
      await send('GET', upload, KEY);
      await send('POST', `${url}/files`, { ...TUS, ...KEY, 'Upload-Concat': `final;/files/${id}` });
      await send('DELETE', upload, { ...TUS, ...KEY });
      const { seen } = app.get(ApiKeys);
      expect(seen).toMatchObject([
        { name: 'create', protocol: 'tus' },
        { name: 'status', uploadId: id },
        { name: 'append', uploadId: id },
        { name: 'download', uploadId: id },
        { name: 'create', partialUploadIds: [id] },
        { name: 'terminate', uploadId: id },
      ]);
    });

    it('can be overridden in tests', async () => {
      const { url } = await startApp(
        { imports: [TusModule.forRoot({ store, guards: [ApiKeyGuard], imports: [AuthModule] })] },
        { override: (builder) => builder.overrideGuard(ApiKeyGuard).useValue({ canActivate: () => true }) },
      );
      await expect(create(`${url}/files`, 5)).resolves.toContain('/files/');
    });

    it('may be an instance', async () => {
      const { url } = await startApp({
        imports: [TusModule.forRoot({ store, guards: [{ canActivate: () => false }] })],
      });
      const answer = await send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5 });
      expect([answer.status, answer.headers['tus-resumable']]).toEqual([403, '1.0.0']);
    });
  });

  @Controller('notes')
  class NotesController {
    @Get()
    list(): string[] {
      return ['milk'];
    }
  }

  describe('a guard of the app', () => {
    it('refuses uploads with their headers, and sees that other routes are none', async () => {
      @Module({
        imports: [AuthModule, TusModule.forRoot({ store })],
        controllers: [NotesController],
        providers: [{ provide: APP_GUARD, useExisting: ApiKeyGuard }],
      })
      class AppModule {}
      const { app, url } = await startApp({ imports: [AppModule] });
      const answer = await send('HEAD', `${url}/files/f00`, { ...TUS, ...ORIGIN });
      expect([answer.status, answer.headers['tus-resumable']]).toEqual([401, '1.0.0']);
      expect(answer.headers['access-control-allow-origin']).toBe('https://app.example.com');
      expect((await send('GET', `${url}/notes`, KEY)).body).toBe('["milk"]');
      expect(app.get(ApiKeys).seen).toMatchObject([{ name: 'status' }, undefined]);
    });
  });

  describe('an interceptor of the registration', () => {
    it('sees the outcome; what it makes of it, and what it throws then, changes nothing', async () => {
      const outcomes: Outcome[] = [];
      @Injectable()
      class Watcher implements NestInterceptor {
        intercept(_context: ExecutionContext, next: CallHandler<Outcome>) {
          return next.handle().pipe(
            tap((outcome) => outcomes.push(outcome)),
            map(() => {
              throw new Error('too late');
            }),
          );
        }
      }
      const { url } = await startApp({ imports: [TusModule.forRoot({ store, interceptors: [Watcher] })] });
      const upload = await create(`${url}/files`, 5);
      expect((await append(upload, 0, 'hello')).status).toBe(204);
      expect(outcomes).toMatchObject([
        { kind: 'created', info: { id: idOf(upload), size: 5 } },
        { kind: 'appended', info: { offset: 5 } },
      ]);
    });
  });
});
