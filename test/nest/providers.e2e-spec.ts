import { Inject, Injectable, Module } from '@nestjs/common';
import {
  InjectTusComposer,
  InjectTusService,
  InjectTusStore,
  MemoryLocker,
  MemoryStore,
  StoreComposer,
  TUS_COMPOSER,
  TUS_STORE,
  TusEvents,
  TusHandler,
  TusModule,
  TusService,
  getTusHandlerToken,
  getTusStoreToken,
  type DataStore,
  type FileInfo,
  type StoreContext,
  type Upload,
} from 'nestjs-tus';
import { text } from 'node:stream/consumers';
import { create, idOf, send, TUS, upload } from './apps/http-client.js';
import { describeEachAdapter } from './adapters.js';

describeEachAdapter('providers', (startApp) => {
  const store = { useFactory: () => new MemoryStore() };

  describe('a store', () => {
    it('can be overridden in tests by TUS_STORE', async () => {
      const mine = new MemoryStore();
      const { url } = await startApp(
        {
          imports: [
            TusModule.forRoot({
              store: {
                useFactory: () => {
                  throw new Error('the real store is not to be made');
                },
              },
            }),
          ],
        },
        { override: (builder) => builder.overrideProvider(TUS_STORE).useValue(mine) },
      );
      const id = idOf(await upload(`${url}/files`, 'hello'));
      expect((await (await mine.getUpload(id, {})).getInfo({})).offset).toBe(5);
    });

    it('may be a class with dependencies of its own; its interfaces say what it can do', async () => {
      @Injectable()
      class Folder {
        readonly uploads = new MemoryStore();
      }
      /** Creates and appends, and can terminate; nothing else. */
      @Injectable()
      class MyStore implements DataStore {
        constructor(@Inject(Folder) private readonly folder: Folder) {}

        newUpload(info: FileInfo, context: StoreContext): Promise<Upload> {
          return this.folder.uploads.newUpload(info, context);
        }
        getUpload(id: string, context: StoreContext): Promise<Upload> {
          return this.folder.uploads.getUpload(id, context);
        }
        asTerminatableUpload(one: Upload) {
          return this.folder.uploads.asTerminatableUpload(one);
        }
      }
      @Module({ providers: [Folder], exports: [Folder] })
      class FolderModule {}
      const { app, url } = await startApp({
        imports: [TusModule.forRoot({ store: { useClass: MyStore }, imports: [FolderModule] })],
      });
      const options = await send('OPTIONS', `${url}/files`);
      expect(options.headers['tus-extension']).toBe('creation,creation-with-upload,termination');
      expect(app.get(StoreComposer).capabilities()).toContain('Terminater: ✓ Locker: ✓ Concater: ✗');
      const one = await upload(`${url}/files`, 'hello');
      expect((await send('DELETE', one, TUS)).status).toBe(204);
      expect((await send('HEAD', one, TUS)).status).toBe(404);
    });

    it('that cannot start keeps the app from starting, and says why', async () => {
      const broken = Object.assign(new MemoryStore(), {
        init: async () => Promise.reject(new Error('/uploads is not writable')),
      });
      const starting = startApp({ imports: [TusModule.forRoot({ store: { useValue: broken } })] });
      await expect(starting).rejects.toThrow('TusModule "default" cannot start: /uploads is not writable');
    });

    it.each([
      [{ useValue: {} }, /the store has no newUpload and getUpload/],
      [MemoryStore, /store is a class or function: write `.*store: { useClass: MemoryStore }`/],
      [{ uploads: [] }, /store is no provider, and has no newUpload and getUpload: write an instance, or/],
      [{ useClass: MemoryStore, useValue: 1 }, /store has useClass and useValue: write one of them/],
    ])('is refused when it is %p', async (recipe, message) => {
      const starting = async () => startApp({ imports: [TusModule.forRoot({ store: recipe as never })] });
      await expect(starting()).rejects.toThrow(message);
    });
  });

  describe('the providers of an endpoint', () => {
    it('are injectable by class and by decorator', async () => {
      @Injectable()
      class Consumer {
        constructor(
          readonly composer: StoreComposer,
          readonly handler: TusHandler,
          readonly events: TusEvents,
          readonly service: TusService,
          @InjectTusStore() readonly store: DataStore,
          @InjectTusComposer() readonly sameComposer: StoreComposer,
          @InjectTusService() readonly sameService: TusService,
        ) {}
      }
      const { app } = await startApp({ imports: [TusModule.forRoot({ store })], providers: [Consumer] });
      const consumer = app.get(Consumer);
      expect(consumer.composer).toBe(consumer.sameComposer);
      expect(consumer.service).toBe(consumer.sameService);
      expect(consumer.composer.core).toBe(consumer.store);
      expect(consumer.handler.config.storeComposer).toBe(consumer.composer);
      expect(consumer.events.created$).toBeDefined();
    });

    it('are visible everywhere when it is global', async () => {
      @Module({ providers: [{ provide: 'EVENTS', useExisting: TusEvents }] })
      class Elsewhere {}
      const { app } = await startApp({ imports: [TusModule.forRoot({ store, isGlobal: true }), Elsewhere] });
      expect(app.get('EVENTS', { strict: false })).toBeInstanceOf(TusEvents);
    });

    it('take a composer made by hand', async () => {
      const composer = new StoreComposer().useCore(new MemoryStore()).useLocker(new MemoryLocker());
      const { url } = await startApp(
        { imports: [TusModule.forRoot({ store })] },
        { override: (builder) => builder.overrideProvider(TUS_COMPOSER).useValue(composer) },
      );
      const options = await send('OPTIONS', `${url}/files`);
      expect(options.headers['tus-extension']).toBe('creation,creation-with-upload');
    });

    it('read uploads without a lock', async () => {
      const { app, url } = await startApp({ imports: [TusModule.forRoot({ store })] });
      const service = app.get(TusService);
      const [whole, half] = [await upload(`${url}/files`, 'hello'), await create(`${url}/files`, 5)].map(
        idOf,
      );
      await expect(service.info(whole ?? '')).resolves.toMatchObject({ size: 5, offset: 5 });
      await expect(service.reader(whole ?? '').then(text)).resolves.toBe('hello');
      await expect(service.reader(whole ?? '', { start: 1, end: 3 }).then(text)).resolves.toBe('ell');
      await expect(service.reader(half ?? '')).rejects.toMatchObject({ code: 'ERR_INCOMPLETE_UPLOAD' });
      await expect(service.info('../etc/passwd')).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND' });
      const { uploads } = await service.list();
      expect(uploads.map(({ id }) => id).sort()).toEqual([whole, half].sort());
    });
  });

  describe('several endpoints', () => {
    it('have each its own path, store, limits and guards', async () => {
      const { app, url } = await startApp(
        {
          imports: [
            TusModule.forRoot({ store, maxSize: 100 }),
            TusModule.forRoot({
              name: 'avatars',
              path: 'avatars',
              store,
              maxSize: 10,
              guards: [{ canActivate: () => true }],
            }),
            TusModule.forRoot({
              name: 'closed',
              path: 'closed',
              store,
              guards: [{ canActivate: () => false }],
            }),
          ],
        },
        {
          override: (builder) =>
            builder.overrideProvider(getTusStoreToken('closed')).useValue(new MemoryStore()),
        },
      );
      const post = (path: string, length: number) =>
        send('POST', `${url}/${path}`, { ...TUS, 'Upload-Length': length });
      expect((await post('files', 50)).status).toBe(201);
      expect((await post('files', 101)).status).toBe(413);
      expect((await post('avatars', 50)).status).toBe(413);
      expect((await post('closed', 5)).status).toBe(403);
      const avatar = await upload(`${url}/avatars`, 'hello');
      expect((await send('HEAD', avatar.replace('avatars', 'files'), TUS)).status).toBe(404);
      expect(app.get(getTusStoreToken('avatars'))).not.toBe(app.get(TUS_STORE));
      expect(app.get(getTusHandlerToken('avatars'))).not.toBe(app.get(TusHandler));
    });

    it.each([
      [{}, {}, /registered twice without a name/],
      [{ name: 'a', path: 'a' }, { name: 'a', path: 'b' }, /"a" is registered twice/],
      [{}, { name: 'a', path: '/files/' }, /"default" and "a" both serve \/files/],
    ])('are refused when they are %j and %j', async (first, second, message) => {
      const starting = startApp({
        imports: [TusModule.forRoot({ store, ...first }), TusModule.forRoot({ store, ...second })],
      });
      await expect(starting).rejects.toThrow(message);
    });
  });
});
