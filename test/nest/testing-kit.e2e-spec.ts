import { ForbiddenException, Module, type INestApplication } from '@nestjs/common';
import { FileStore } from '@nestjs-tus/file-store';
import {
  getTusLockerToken,
  getTusStoreToken,
  MemoryLocker,
  MemoryStore,
  TUS_STORE,
  TusEvents,
  TusModule,
} from 'nestjs-tus';
import { collectEvents, createTusTestingModule, RecordingHooks, TusTestClient } from 'nestjs-tus/testing';

const onDisk = { useFactory: () => new FileStore({ directory: '/nowhere/to/be/found' }) };

/** As it is deployed: it could not start here. */
@Module({
  imports: [
    TusModule.forRoot({ store: onDisk, hooks: [RecordingHooks] }),
    TusModule.forRoot({ name: 'docs', path: 'docs', store: onDisk }),
  ],
})
class AppModule {}

const { idOf } = TusTestClient;
let app: INestApplication;

beforeEach(async () => {
  const module = await createTusTestingModule({ imports: [AppModule] }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0);
});
afterEach(() => app.close());

describe('nestjs-tus/testing', () => {
  it('puts memory in the place of every store and locker, of endpoints that nobody lists too', () => {
    const stores = [TUS_STORE, getTusStoreToken('docs')].map((token) =>
      app.get<unknown>(token, { strict: false }),
    );
    for (const store of stores) expect(store).toBeInstanceOf(MemoryStore);
    expect(stores[0]).not.toBe(stores[1]);
    expect(app.get(getTusLockerToken('docs'), { strict: false })).toBeInstanceOf(MemoryLocker);
  });

  it('makes no real store, not even one of asynchronous options', async () => {
    const real = () => {
      throw new Error('the real store is not to be made');
    };
    const module = await createTusTestingModule({
      imports: [
        TusModule.forRootAsync({
          name: 'late',
          useFactory: () => ({ path: 'late' }),
          store: { useFactory: real },
        }),
        Promise.resolve(TusModule.forRoot({ name: 'later', path: 'later', store: { useFactory: real } })),
      ],
    }).compile();
    for (const name of ['late', 'later']) {
      expect(module.get(getTusStoreToken(name), { strict: false })).toBeInstanceOf(MemoryStore);
    }
  });

  it('refuses an endpoint that is loaded too late to be replaced, unless it is listed', async () => {
    const loaded = (name: string) =>
      new Promise<undefined>((resolve) => setImmediate(resolve, undefined)).then(() =>
        TusModule.forRoot({ name, path: name, store: new MemoryStore() }),
      );
    await expect(createTusTestingModule({ imports: [loaded('lazy')] }).compile()).rejects.toThrow(
      `its store is a real one: write \`endpoints: ['lazy']\``,
    );
    const module = await createTusTestingModule({
      imports: [loaded('lazier')],
      endpoints: ['lazier'],
    }).compile();
    expect(module.get(getTusStoreToken('lazier'), { strict: false })).toBeInstanceOf(MemoryStore);
  });

  it('lets a test give its own store', async () => {
    const mine = new MemoryStore();
    const module = await createTusTestingModule({ imports: [AppModule] })
      .overrideProvider(getTusStoreToken('docs'))
      .useValue(mine)
      .compile();
    expect(module.get(getTusStoreToken('docs'), { strict: false })).toBe(mine);
  });

  it('refuses names that the app does not have, and keys that mean nothing', async () => {
    const misspelt = createTusTestingModule({ imports: [AppModule], endpoints: ['doc'] });
    await expect(misspelt.compile()).rejects.toThrow(
      'the app has no endpoint "doc": write names of those that it has, "default", "docs"',
    );
    expect(() => createTusTestingModule({ imports: [AppModule], endpoint: ['docs'] } as never)).toThrow(
      'endpoint is unknown: write one of imports,',
    );
    expect(() => createTusTestingModule({ endpoints: 'docs' } as never)).toThrow(
      'endpoints is no list of names',
    );
  });

  it('uploads, collects events, and records hooks', async () => {
    const events = collectEvents(app.get(TusEvents));
    const hooks = app.get(RecordingHooks);
    const client = TusTestClient.of(app);
    const url = await client.upload('hello', {
      metaData: { filename: 'hé.txt' },
      headers: { 'X-User': 'ada' },
    });
    const completed = await events.next('completed');
    expect(completed.upload).toMatchObject({ id: idOf(url), size: 5, metaData: { filename: 'hé.txt' } });
    const told = await hooks.asked('postFinish', idOf(url));
    expect(told.httpRequest.header['x-user']).toBe('ada');
    expect(hooks.calls.map(({ hook }) => hook)).toEqual([
      'preUploadCreate',
      'preFinishResponse',
      'postFinish',
    ]);
    expect(await (await client.download(url)).text()).toBe('hello');
    expect((await client.status(url)).headers.get('upload-offset')).toBe('5');
    expect((await client.terminate(url)).status).toBe(204);
    expect(events.kinds).toEqual(['created', 'completed', 'terminated']);
    events.stop();
  });

  it('lets a test say what a hook answers', async () => {
    const hooks = app.get(RecordingHooks);
    hooks.answer('preUploadCreate', () => {
      throw new ForbiddenException('not today');
    });
    const client = TusTestClient.of(app);
    await expect(client.upload('hello')).rejects.toThrow('POST answered 403 ERR_FORBIDDEN: not today');
    hooks.reset();
    await client.upload('hello');
    expect(hooks.of('preUploadCreate')).toHaveLength(1);
  });

  it('has a client for every endpoint, and one that says when the app does not listen', async () => {
    const url = await TusTestClient.of(app, 'docs').upload(Buffer.from('hello'));
    expect(new URL(url).pathname).toMatch(/^\/docs\//);
    const other = (await createTusTestingModule({ imports: [AppModule] }).compile()).createNestApplication();
    expect(() => TusTestClient.of(other)).toThrow('the app does not listen yet');
  });
});
