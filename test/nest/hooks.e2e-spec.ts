import {
  ForbiddenException,
  Inject,
  Injectable,
  Module,
  PayloadTooLargeException,
  Scope,
} from '@nestjs/common';
import {
  errors,
  MemoryStore,
  TusEvents,
  TusHook,
  TusModule,
  TusService,
  type HookEvent,
  type HookResult,
  type TusHooks,
} from 'nestjs-tus';
import { append, create, idOf, send, TUS, upload } from './apps/http-client.js';
import { describeEachAdapter } from './adapters.js';

describeEachAdapter('hooks', (startApp) => {
  const store = { useFactory: () => new MemoryStore() };

  @Injectable()
  class Quota {
    readonly bytes = 100;
  }

  @Module({ providers: [Quota], exports: [Quota] })
  class QuotaModule {}

  @Injectable()
  class UploadRules implements TusHooks {
    constructor(@Inject(Quota) private readonly quota: Quota) {}

    preUploadCreate({ upload, httpRequest }: HookEvent): HookResult {
      if (upload.size > this.quota.bytes) throw new PayloadTooLargeException('quota exceeded');
      return {
        changes: { id: `mine-${upload.size}`, context: { user: String(httpRequest.header['x-user']) } },
        response: { header: { 'X-Rules': 'checked' } },
      };
    }

    preFinishResponse({ upload }: HookEvent): HookResult {
      return {
        response: { statusCode: 200, body: `kept ${upload.offset} bytes`, header: { 'X-Kept': 'yes' } },
      };
    }

    preUploadTerminate({ upload }: HookEvent): void {
      if (upload.metaData.keep) throw new ForbiddenException('this one stays');
    }
  }

  describe('a hook class that the registration lists', () => {
    const ruled = () =>
      startApp({ imports: [TusModule.forRoot({ store, hooks: [UploadRules], imports: [QuotaModule] })] });

    it('refuses a creation', async () => {
      const { url } = await ruled();
      const answer = await send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 101 });
      expect(answer.status).toBe(413);
      expect(answer.body).toContain('quota exceeded');
      expect(answer.headers['tus-resumable']).toBe('1.0.0');
    });

    it('changes the upload and the answer', async () => {
      const { app, url } = await ruled();
      const answer = await send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5, 'X-User': 'ada' });
      expect(answer.headers.location).toMatch(/\/files\/mine-5$/);
      expect(answer.headers['x-rules']).toBe('checked');
      await expect(app.get(TusService).info('mine-5')).resolves.toMatchObject({ context: { user: 'ada' } });
    });

    it('has the last word on a finished upload', async () => {
      const { url } = await ruled();
      const answer = await append(await create(`${url}/files`, 5), 0, 'hello');
      expect([answer.status, answer.body, answer.headers['x-kept']]).toEqual([200, 'kept 5 bytes', 'yes']);
    });

    it('refuses a termination', async () => {
      const { url } = await ruled();
      const one = await create(`${url}/files`, 5, { 'Upload-Metadata': 'keep MQ==' });
      const answer = await send('DELETE', one, TUS);
      expect([answer.status, answer.body]).toEqual([403, 'ERR_FORBIDDEN: this one stays\n']);
      expect((await send('HEAD', one, TUS)).status).toBe(200);
    });
  });

  describe('a hook class that is found', () => {
    it('is asked for every endpoint, or for the one that it names', async () => {
      const asked: string[] = [];
      @Injectable()
      @TusHook()
      class Everywhere implements TusHooks {
        preUploadCreate({ httpRequest }: HookEvent): void {
          asked.push(`everywhere ${httpRequest.uri}`);
        }
      }
      @Injectable()
      @TusHook({ endpoint: 'avatars' })
      class Avatars implements TusHooks {
        preUploadCreate({ httpRequest }: HookEvent): void {
          asked.push(`avatars ${httpRequest.uri}`);
        }
      }
      const { url } = await startApp({
        imports: [
          TusModule.forRoot({ store }),
          TusModule.forRoot({ name: 'avatars', path: 'avatars', store }),
        ],
        providers: [Everywhere, Avatars],
      });
      await create(`${url}/files`, 5);
      await create(`${url}/avatars`, 5);
      expect(asked).toEqual(['everywhere /files', 'everywhere /avatars', 'avatars /avatars']);
    });

    it('comes after the callback of the options and the listed ones, and sees their changes', async () => {
      const order: string[] = [];
      @Injectable()
      class Listed implements TusHooks {
        preUploadCreate({ upload }: HookEvent): HookResult {
          order.push(`listed ${upload.metaData.by ?? ''}`);
          return { changes: { metaData: { by: 'listed' } } };
        }
      }
      @Injectable()
      @TusHook()
      class Found implements TusHooks {
        preUploadCreate({ upload }: HookEvent): void {
          order.push(`found ${upload.metaData.by ?? ''}`);
        }
      }
      const { app, url } = await startApp({
        imports: [
          TusModule.forRoot({
            store,
            hooks: [Listed],
            preUploadCreateCallback: () => {
              order.push('callback');
              return { changes: { metaData: { by: 'callback' } } };
            },
          }),
        ],
        providers: [Found],
      });
      const id = idOf(await create(`${url}/files`, 5));
      expect(order).toEqual(['callback', 'listed callback', 'found listed']);
      await expect(app.get(TusService).info(id)).resolves.toMatchObject({ metaData: { by: 'listed' } });
    });

    it('is asked once when it is listed as well, and may use what the endpoint offers', async () => {
      const asked: string[] = [];
      @Injectable()
      @TusHook()
      class Both implements TusHooks {
        constructor(@Inject(TusEvents) events: TusEvents) {
          events.completed$.subscribe(() => asked.push('completed'));
        }

        preUploadCreate(): void {
          asked.push('created');
        }
      }
      const { url } = await startApp({ imports: [TusModule.forRoot({ store, hooks: [Both] })] });
      await upload(`${url}/files`, 'hello');
      expect(asked).toEqual(['created', 'completed']);
    });

    it('may have its hooks as fields, or come from a factory', async () => {
      const asked: string[] = [];
      @Injectable()
      @TusHook()
      class Fields implements TusHooks {
        readonly preUploadCreate = () => void asked.push('field');
      }
      @TusHook()
      class Made implements TusHooks {
        preFinishResponse(): void {
          asked.push('made');
        }
      }
      const { url } = await startApp({
        imports: [TusModule.forRoot({ store, providers: [Fields, { provide: Made, useClass: Made }] })],
      });
      await upload(`${url}/files`, 'hello');
      expect(asked).toEqual(['field', 'made']);
    });
  });

  describe('a hook', () => {
    it('refuses by an error of the engine, too', async () => {
      const { url } = await startApp({
        imports: [
          TusModule.forRoot({
            store,
            preUploadCreateCallback: () => {
              throw errors.uploadRejectedByServer({ statusCode: 418, body: 'short and stout' });
            },
          }),
        ],
      });
      const answer = await send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5 });
      expect([answer.status, answer.body]).toEqual([418, 'short and stout']);
    });

    it('that breaks is a 500 without its text', async () => {
      const logged: unknown[] = [];
      const log = () => undefined;
      const logger = { log, warn: log, error: (...line: unknown[]) => logged.push(line) };
      const { url } = await startApp({
        imports: [
          TusModule.forRoot({
            store,
            logger,
            preUploadCreateCallback: () => {
              throw new Error('password is 1234');
            },
          }),
        ],
      });
      const answer = await send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5 });
      expect(answer.status).toBe(500);
      expect(answer.body).not.toContain('1234');
      expect(logged).toHaveLength(1);
    });

    it.each([
      ['request-scoped', Scope.REQUEST],
      ['transient', Scope.TRANSIENT],
    ])('that is %s is refused at start', async (_name, scope) => {
      @Injectable({ scope })
      class Scoped implements TusHooks {
        preUploadCreate(): void {
          throw new Error('not reached');
        }
      }
      const starting = startApp({ imports: [TusModule.forRoot({ store, hooks: [Scoped] })] });
      await expect(starting).rejects.toThrow(
        'the hook Scoped is request-scoped or transient: make it a singleton',
      );
    });

    it('that does nothing, or is for an endpoint that is not there, is refused at start', async () => {
      @Injectable()
      class Idle {}
      @Injectable()
      @TusHook({ endpoint: 'avatar' })
      class Lost implements TusHooks {
        preUploadCreate(): void {
          throw new Error('not reached');
        }
      }
      const idle = startApp({ imports: [TusModule.forRoot({ store, hooks: [Idle] })] });
      await expect(idle).rejects.toThrow('the hook Idle does nothing: write a method preUploadCreate');
      const lost = startApp({ imports: [TusModule.forRoot({ store })], providers: [Lost] });
      await expect(lost).rejects.toThrow('Lost is a hook of the endpoint "avatar", which does not exist');
    });
  });
});
