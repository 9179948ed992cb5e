import { AsyncLocalStorage } from 'node:async_hooks';
import { link, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  RequestTimeoutException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { FileStore } from '@nestjs-tus/file-store';
import {
  getTusOperation,
  InjectTusStore,
  MemoryStore,
  TusEvents,
  TusHook,
  TusModule,
  TusService,
  type DataStore,
  type HookEvent,
  type TusHooks,
} from 'nestjs-tus';
import { collectEvents, TusTestClient } from 'nestjs-tus/testing';
import { catchError, mergeMap, NEVER, throwError, timeout, TimeoutError, type Observable } from 'rxjs';
import { eventually } from '../harness/eventually.js';
import { openPatch } from '../harness/open-patch.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { create, idOf, send, TUS } from './apps/http-client.js';
import { describeEachAdapter } from './adapters.js';

describeEachAdapter('recipes', (startApp) => {
  const store = { useFactory: () => new MemoryStore() };

  describe('the context of a request (AsyncLocalStorage, nestjs-cls)', () => {
    it('reaches hooks and events, of each request its own', async () => {
      const context = new AsyncLocalStorage<string>();
      const seen: string[] = [];
      const note = (what: string) => void seen.push(`${what} ${context.getStore() ?? 'nobody'}`);
      const { app } = await startApp(
        {
          imports: [
            TusModule.forRoot({
              store,
              uploadProgressInterval: 1,
              preUploadCreateCallback: () => note('create'),
              preFinishResponseCallback: () => note('finish'),
              preUploadTerminateCallback: () => note('terminate'),
              postFinishCallback: () => note('job'),
            }),
          ],
        },
        {
          prepare: (prepared) =>
            prepared.use((req: { headers: Record<string, string> }, _res: unknown, next: () => void) =>
              context.run(req.headers['x-user'] ?? '', next),
            ),
        },
      );
      const events = app.get(TusEvents);
      for (const kind of ['created', 'progress', 'completed', 'terminated'] as const) {
        events[`${kind}$`].subscribe(() => note(kind));
      }
      const client = TusTestClient.of(app);
      const one = await client.upload('hello', { headers: { 'X-User': 'ada' } });
      await eventually('the job', () => seen.includes('job ada'));
      await client.terminate(one, { 'X-User': 'bob' });
      expect([...new Set(seen)].sort()).toEqual(
        [
          ...['create ada', 'created ada', 'progress ada', 'finish ada', 'completed ada', 'job ada'],
          ...['terminate bob', 'terminated bob'],
        ].sort(),
      );
    });
  });

  describe('a TimeoutInterceptor for the whole app', () => {
    /** An upload takes as long as it takes; networkTimeout ends those that hang. */
    @Injectable()
    class TimeoutInterceptor implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
        if (getTusOperation(context)) return next.handle();
        return next.handle().pipe(
          timeout(20),
          catchError((error: unknown) =>
            throwError(() => (error instanceof TimeoutError ? new RequestTimeoutException() : error)),
          ),
        );
      }
    }

    @Controller('slow')
    class SlowController {
      @Get()
      wait(): Observable<never> {
        return NEVER;
      }
    }

    it('cuts other routes, and no upload', async () => {
      const { app, url } = await startApp({
        imports: [TusModule.forRoot({ store, uploadProgressInterval: 1 })],
        controllers: [SlowController],
        providers: [{ provide: APP_INTERCEPTOR, useClass: TimeoutInterceptor }],
      });
      const events = collectEvents(app.get(TusEvents));
      const one = await create(`${url}/files`, 10);
      const socket = await openPatch(one, { offset: 0, length: 10 });
      await socket.send('hello');
      await events.next('progress');
      // This request is cut after the interceptor's time: the upload, which began before, has outlived it.
      expect((await send('GET', `${url}/slow`)).status).toBe(408);
      await socket.send('world');
      expect((await socket.response()).status).toBe(204);
    });
  });

  describe('first bytes that are checked while they stream', () => {
    const PNG = Buffer.from('89504e470d0a1a0a', 'hex');

    @Injectable()
    @TusHook()
    class PngOnly implements TusHooks {
      constructor(
        @InjectTusStore() private readonly store: DataStore,
        @Inject(TusEvents) events: TusEvents,
      ) {
        // While bytes arrive: ends the request, and deletes the upload.
        events.progress$
          .pipe(mergeMap(({ upload }) => this.looksLike(upload.id).then((isPng) => ({ upload, isPng }))))
          .subscribe(({ upload, isPng }) => {
            if (isPng === false) upload.stopUpload({ statusCode: 415, body: 'PNG only' });
          });
      }

      /** The last word, for an upload that was quicker. */
      async preFinishResponse({ upload }: HookEvent): Promise<void> {
        if (!(await this.looksLike(upload.id))) throw new UnsupportedMediaTypeException('PNG only');
      }

      /** Undefined while there are too few bytes to tell. */
      private async looksLike(id: string): Promise<boolean | undefined> {
        const upload = await this.store.getUpload(id, {}).catch(() => undefined);
        if (!upload) return undefined;
        const chunks: Buffer[] = [];
        for await (const chunk of await upload.getReader({}, { start: 0, end: PNG.length - 1 })) {
          chunks.push(chunk as Buffer);
        }
        const first = Buffer.concat(chunks);
        return first.length < PNG.length ? undefined : first.equals(PNG);
      }
    }

    const started = async () => {
      const directory = await temporaryFolder();
      const { app, url } = await startApp({
        imports: [
          TusModule.forRoot({
            store: { useFactory: () => new FileStore({ directory }) },
            uploadProgressInterval: 10,
          }),
        ],
        providers: [PngOnly],
      });
      return { app, url, client: TusTestClient.of(app) };
    };

    it('end an upload that is something else, in the middle', async () => {
      const { app, url } = await started();
      const events = collectEvents(app.get(TusEvents));
      const one = await create(`${url}/files`, 1_000_000);
      const socket = await openPatch(one, { offset: 0, length: 1_000_000 });
      await socket.send('GIF89a, and then some');
      await events.next('progress');
      await socket.send(', and some more');
      const { status, body } = await socket.response();
      expect([status, String(body)]).toEqual([415, 'PNG only']);
      expect((await send('HEAD', one, TUS)).status).toBe(404);
      socket.destroy();
    });

    it('refuse a small one when it is complete, and let a good one pass', async () => {
      const { client } = await started();
      await expect(client.upload('GIF89a, and then some')).rejects.toThrow(/415 (PNG only|ERR_.*PNG only)/);
      const url = await client.upload(Buffer.concat([PNG, Buffer.from('pixels')]));
      expect((await client.status(url)).status).toBe(200);
    });
  });

  describe('a file that is moved when it is complete', () => {
    it('stands in its place whole, and is no upload any more', async () => {
      const directory = await temporaryFolder();
      const library = join(directory, 'library');
      await mkdir(library);

      @Injectable()
      @TusHook()
      class MoveToLibrary implements TusHooks {
        constructor(@Inject(TusService) private readonly uploads: TusService) {}

        /** A second name, then the first one goes: whatever happens between them, calling it again comes to the same. */
        async postFinish({ upload }: HookEvent): Promise<void> {
          const { Path = '' } = upload.storage ?? {};
          await link(Path, join(library, upload.id)).catch((error: NodeJS.ErrnoException) => {
            if (error.code !== 'EEXIST') throw error;
          });
          await this.uploads.terminate(upload.id);
        }
      }

      const { app } = await startApp({
        imports: [TusModule.forRoot({ store: { useFactory: () => new FileStore({ directory }) } })],
        providers: [MoveToLibrary],
      });
      const client = TusTestClient.of(app);
      const url = await client.upload('hello');
      await eventually('the move', async () => (await client.status(url)).status === 404);
      expect(await readFile(join(library, idOf(url)), 'utf8')).toBe('hello');
      expect(await readdir(directory)).toEqual(['library']);
    });
  });
});
