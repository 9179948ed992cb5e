import { ForbiddenException, Module, type INestApplication } from '@nestjs/common';
import { FileStore } from '@nestjs-tus/file-store';
import { getTusStoreToken, MemoryStore, TUS_STORE, TusEvents, TusModule } from 'nestjs-tus';
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
  const module = await createTusTestingModule({
    imports: [AppModule],
    endpoints: ['default', 'docs'],
  }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0);
});
afterEach(() => app.close());

describe('nestjs-tus/testing', () => {
  it('puts memory in the place of the stores', () => {
    for (const token of [TUS_STORE, getTusStoreToken('docs')]) {
      expect(app.get(token, { strict: false })).toBeInstanceOf(MemoryStore);
    }
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
