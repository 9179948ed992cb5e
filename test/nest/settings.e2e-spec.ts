import { Inject, Injectable, Module, Scope, UnauthorizedException } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  errors,
  getTusServiceToken,
  MemoryLocker,
  MemoryStore,
  TusModule,
  TusService,
  type DataStore,
  type TusHooks,
  type TusModuleOptions,
  type TusOptionsFactory,
} from 'nestjs-tus';
import { send, TUS, upload } from './apps/http-client.js';
import { describeEachAdapter } from './adapters.js';

describeEachAdapter('settings', (startApp) => {
  const store = { useFactory: () => new MemoryStore() };

  describe('a part that would be made for each request', () => {
    @Injectable({ scope: Scope.REQUEST })
    class RequestStore extends MemoryStore {}
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class TenantStore extends MemoryStore {}
    @Injectable({ scope: Scope.TRANSIENT })
    class TransientStore extends MemoryStore {}
    @Injectable({ scope: Scope.REQUEST })
    class RequestLocker extends MemoryLocker {}
    @Injectable()
    class Tenant {
      constructor(@Inject(REQUEST) readonly request: unknown) {}
    }
    @Injectable()
    class TenantConfig {
      @Inject(Tenant) readonly tenant?: Tenant;
    }
    @Injectable()
    class StoreOfTenant extends MemoryStore {
      constructor(@Inject(TenantConfig) readonly config: TenantConfig) {
        super();
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class RequestOptions implements TusOptionsFactory {
      createTusOptions(): TusModuleOptions {
        return {};
      }
    }
    const refuseAll = { preUploadCreateCallback: () => Promise.reject(errors.notFound()) };
    const providers = [Tenant, TenantConfig, RequestStore];
    const made = () => new MemoryStore();

    it.each<[string, () => unknown, RegExp]>([
      [
        'a store that injects REQUEST',
        () => TusModule.forRoot({ ...refuseAll, store: { inject: [REQUEST], useFactory: made } }),
        /"default": the store is request-scoped, since it depends on REQUEST: make it one for the whole app/,
      ],
      [
        'a store that depends on the request by way of others',
        () => TusModule.forRoot({ store: { useClass: StoreOfTenant }, providers }),
        /the store is request-scoped, since it depends on TenantConfig, which depends on Tenant, which depends on REQUEST/,
      ],
      [
        'a class that is request-scoped',
        () => TusModule.forRoot({ store: { useClass: RequestStore } }),
        /the store is request-scoped: make it one/,
      ],
      [
        'a durable one',
        () => TusModule.forRoot({ name: 'a', store: { useClass: TenantStore } }),
        /"a": the store is request-scoped/,
      ],
      [
        'a provider that exists already',
        () => TusModule.forRoot({ store: { useExisting: RequestStore }, providers }),
        /the store is request-scoped, since it depends on RequestStore/,
      ],
      [
        'a transient one',
        () => TusModule.forRoot({ store: { useClass: TransientStore } }),
        /the store is transient/,
      ],
      [
        'a factory with a scope',
        () => TusModule.forRoot({ store: { useFactory: made, scope: Scope.REQUEST } }),
        /store.scope is 2: write Scope.DEFAULT, since it is made once/,
      ],
      [
        'a locker',
        () => TusModule.forRoot({ store, locker: { useClass: RequestLocker } }),
        /the locker is request-scoped/,
      ],
      [
        'a factory of options',
        () => TusModule.forRootAsync({ store, inject: [REQUEST], useFactory: () => ({}) }),
        /the factory of the options is request-scoped, since it depends on REQUEST/,
      ],
      [
        'a class of options',
        () => TusModule.forRootAsync({ store, useClass: RequestOptions }),
        /the factory of the options is request-scoped, since it depends on RequestOptions/,
      ],
      [
        'a hook',
        () => {
          @Injectable({ scope: Scope.REQUEST })
          class RequestHook implements TusHooks {
            preUploadCreate(): void {}
          }
          return TusModule.forRoot({ store, hooks: [RequestHook] });
        },
        /the hook RequestHook is request-scoped or transient/,
      ],
    ])('is refused: %s', async (_, module, message) => {
      const starting = async () => startApp({ imports: [module() as never] });
      await expect(starting()).rejects.toThrow(message);
    });

    it('is taken where a guard is request-scoped: Nest makes those', async () => {
      @Injectable({ scope: Scope.REQUEST })
      class RequestGuard {
        constructor(@Inject(REQUEST) private readonly request: { headers: Record<string, string> }) {}
        canActivate(_context: ExecutionContext): boolean {
          if (this.request.headers['x-user']) return true;
          throw new UnauthorizedException();
        }
      }
      const { url } = await startApp({ imports: [TusModule.forRoot({ store, guards: [RequestGuard] })] });
      const post = (headers: object) =>
        send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5, ...headers });
      expect((await post({})).status).toBe(401);
      expect((await post({ 'X-User': 'ada' })).status).toBe(201);
    });
  });

  it('refuses a guard that guards nothing, and an interceptor that sees nothing', async () => {
    @Injectable()
    class AuthService {}
    for (const [option, method] of [
      ['guards', 'canActivate'],
      ['interceptors', 'intercept'],
    ]) {
      const starting = startApp({ imports: [TusModule.forRoot({ store, [`${option}`]: [AuthService] })] });
      // Nest 12 says so itself, in its own words.
      await expect(starting).rejects.toThrow(new RegExp(`AuthService.*${method}`));
    }
  });

  it('takes a guard whose method is a field', async () => {
    @Injectable()
    class FieldGuard {
      canActivate = () => false;
    }
    const { url } = await startApp({ imports: [TusModule.forRoot({ store, guards: [FieldGuard] })] });
    expect((await send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5 })).status).toBe(403);
  });

  it('takes instances of a store and a locker as they are', async () => {
    const mine = new MemoryStore();
    const { url, app } = await startApp({
      imports: [TusModule.forRoot({ store: mine, locker: new MemoryLocker() })],
    });
    await upload(`${url}/files`, 'hello');
    expect((await app.get(TusService).list()).uploads).toHaveLength(1);
    expect(app.get<DataStore>('TUS_STORE:default')).toBe(mine);
  });

  it('lets a feature module export its endpoints by TusModule', async () => {
    @Module({
      imports: [
        TusModule.forRoot({ store }),
        TusModule.forRootAsync({ name: 'avatars', useFactory: () => ({ path: 'avatars' }), store }),
      ],
      exports: [TusModule],
    })
    class FilesModule {}
    @Injectable()
    class Gallery {
      constructor(
        @Inject(TusService) readonly files: TusService,
        @Inject(getTusServiceToken('avatars')) readonly avatars: TusService,
      ) {}
    }
    @Module({ imports: [FilesModule], providers: [Gallery] })
    class GalleryModule {}
    const { app, url } = await startApp({ imports: [GalleryModule] });
    await upload(`${url}/avatars`, 'hello');
    const { files, avatars } = app.get(Gallery);
    expect((await files.list()).uploads).toHaveLength(0);
    expect((await avatars.list()).uploads).toHaveLength(1);
  });

  it('lets a feature module export the bare module', async () => {
    @Module({ imports: [TusModule], exports: [TusModule] })
    class FilesModule {}
    const { app, url } = await startApp(
      { imports: [FilesModule], providers: [{ provide: 'UPLOADS', useExisting: TusService }] },
      { override: (builder) => builder.overrideProvider('TUS_STORE:default').useValue(new MemoryStore()) },
    );
    await upload(`${url}/files`, 'hello');
    expect((await app.get<TusService>('UPLOADS').list()).uploads).toHaveLength(1);
  });
});
