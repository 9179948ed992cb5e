import { Injectable, Module } from '@nestjs/common';
import { ConfigModule, ConfigService, registerAs } from '@nestjs/config';
import { MemoryStore, TusModule, type TusModuleOptions, type TusOptionsFactory } from 'nestjs-tus';
import { ApiKeyGuard, AuthModule } from './apps/api-key.js';
import { create, send, TUS } from './apps/http-client.js';
import { describeEachAdapter } from './adapters.js';

describeEachAdapter('asynchronous options', (startApp) => {
  const store = { useFactory: () => new MemoryStore() };
  const limitOf = async (collection: string) => (await send('OPTIONS', collection)).headers['tus-max-size'];

  describe('forRootAsync', () => {
    it('takes a namespace of @nestjs/config, path and version too', async () => {
      const tusConfig = registerAs('tus', (): TusModuleOptions => ({ path: 'uploads', maxSize: 1234 }));
      const { url } = await startApp({
        imports: [
          ConfigModule.forRoot({ ignoreEnvFile: true, load: [tusConfig] }),
          TusModule.forRootAsync({ ...tusConfig.asProvider(), store }),
        ],
      });
      await expect(create(`${url}/uploads`, 5)).resolves.toContain(`${url}/uploads/`);
      expect(await limitOf(`${url}/uploads`)).toBe('1234');
      expect((await send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5 })).status).toBe(404);
    });

    it('takes a factory with dependencies, beside what shapes the module', async () => {
      const { url } = await startApp({
        imports: [
          TusModule.forRootAsync({
            imports: [
              ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => ({ limit: 77 })] }),
              AuthModule,
            ],
            inject: [ConfigService],
            useFactory: async (config: ConfigService) => ({ maxSize: config.getOrThrow<number>('limit') }),
            guards: [ApiKeyGuard],
            store,
          }),
        ],
      });
      expect(await limitOf(`${url}/files`)).toBe('77');
      expect((await send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 5 })).status).toBe(401);
    });

    it('takes a class, made by itself or by somebody else', async () => {
      @Injectable()
      class Options implements TusOptionsFactory {
        createTusOptions(): TusModuleOptions {
          return { maxSize: 55 };
        }
      }
      @Module({ providers: [Options], exports: [Options] })
      class OptionsModule {}
      const { url } = await startApp({
        imports: [
          TusModule.forRootAsync({ useClass: Options, store }),
          TusModule.forRootAsync({
            name: 'second',
            imports: [OptionsModule],
            inject: [Options],
            useFactory: (options: Options) => ({ ...options.createTusOptions(), path: 'second' }),
            store,
          }),
        ],
      });
      expect(await limitOf(`${url}/files`)).toBe('55');
      expect(await limitOf(`${url}/second`)).toBe('55');
      const existing = await startApp({
        imports: [TusModule.forRootAsync({ useExisting: Options, imports: [OptionsModule], store })],
      });
      expect(await limitOf(`${existing.url}/files`)).toBe('55');
    });

    it.each([
      [{ maxsize: 5 }, 'TusModule "default": maxsize is unknown: write maxSize, a whole number of bytes'],
      [{ basePath: '/files/' }, /basePath is unknown: write `path`/],
      [{ guards: [] }, /guards is unknown: write it beside useFactory, since it shapes the module/],
      [{ path: 'files/*rest' }, /write literal segments and :parameters only/],
      [{ publicUrl: '/files' }, /publicUrl is "\/files": write an absolute URL/],
      [{ durability: 'never' }, /durability is "never": write 'crash' or 'power-loss'/],
      [{ maxSize: -1 }, /TusModule "default": maxSize is -1: write/],
      [undefined, /the options are undefined: write an object/],
    ])('refuses %j at start, and says what to write', async (options, message) => {
      const starting = startApp({
        imports: [TusModule.forRootAsync({ useFactory: () => options as TusModuleOptions, store })],
      });
      await expect(starting).rejects.toThrow(message);
    });

    it('wants to know where the options come from', () => {
      expect(() => TusModule.forRootAsync({})).toThrow('write useFactory, useClass or useExisting');
    });
  });

  describe('the bare module', () => {
    it('is an endpoint at /files', async () => {
      const { url } = await startApp(
        { imports: [TusModule] },
        { override: (builder) => builder.overrideProvider('TUS_STORE:default').useValue(new MemoryStore()) },
      );
      await expect(create(`${url}/files`, 5)).resolves.toContain(`${url}/files/`);
    });
  });
});
