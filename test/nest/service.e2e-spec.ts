import { text } from 'node:stream/consumers';
import { MemoryStore, TusEvents, TusModule, TusService, type TusEvent } from 'nestjs-tus';
import { firstValueFrom } from 'rxjs';
import { openPatch } from '../harness/open-patch.js';
import { create, idOf, send, TUS, upload } from './apps/http-client.js';
import { closeApps, startApp } from './apps/start-app.js';

const store = { useFactory: () => new MemoryStore() };

afterEach(closeApps);

async function started() {
  const { app, url } = await startApp({ imports: [TusModule.forRoot({ store, uploadProgressInterval: 1 })] });
  const events: TusEvent[] = [];
  app.get(TusEvents).all$.subscribe((event) => events.push(event));
  const kinds = () => events.map(({ name }) => name).filter((name) => name !== 'tus.upload.progress');
  return { app, url: `${url}/files`, service: app.get(TusService), events: app.get(TusEvents), kinds };
}

/** An upload of 10 bytes that has 5 of them, and a request that is receiving the rest. */
async function receiving({ url, events }: Awaited<ReturnType<typeof started>>) {
  const one = await create(url, 10);
  const progress = firstValueFrom(events.progress$);
  const socket = await openPatch(one, { offset: 0, length: 10 });
  await socket.send('hello');
  await progress;
  return { one, id: idOf(one), socket };
}

describe('TusService', () => {
  it('looks at a running upload without disturbing it', async () => {
    const app = await started();
    const { id, socket } = await receiving(app);
    await expect(app.service.info(id)).resolves.toMatchObject({ id, offset: 5, size: 10 });
    await expect(app.service.list({})).resolves.toMatchObject({ uploads: [{ id, offset: 5 }] });
    await expect(app.service.reader(id)).rejects.toMatchObject({ code: 'ERR_INCOMPLETE_UPLOAD' });
    await socket.send('world');
    expect((await socket.response()).status).toBe(204);
  });

  it('reads a finished upload, or a range of it', async () => {
    const { url, service } = await started();
    const id = idOf(await upload(url, 'hello world'));
    await expect(text(await service.reader(id))).resolves.toBe('hello world');
    await expect(text(await service.reader(id, { start: 6, end: 8 }))).resolves.toBe('wor');
  });

  it('lists with a filter, page by page', async () => {
    const { url, service } = await started();
    const unfinished = idOf(await create(url, 5));
    const finished = [];
    for (let count = 0; count < 3; count++) finished.push(idOf(await upload(url, 'hello')));
    await expect(service.list({ state: 'receiving' })).resolves.toMatchObject({
      uploads: [{ id: unfinished }],
    });
    const first = await service.list({ state: 'finished', limit: 2 });
    const second = await service.list({ state: 'finished', limit: 2 }, first.cursor);
    expect([...first.uploads, ...second.uploads].map(({ id }) => id)).toEqual(finished);
    expect(second.cursor).toBeUndefined();
  });

  it('terminates an upload, and ends the request that is receiving it', async () => {
    const app = await started();
    const { one, id, socket } = await receiving(app);
    await app.service.terminate(id);
    expect((await socket.response()).status).toBe(400);
    expect((await send('HEAD', one, TUS)).status).toBe(404);
    expect(app.kinds()).toEqual(['tus.upload.created', 'tus.upload.terminated']);
  });

  it('interrupts the request only: the upload goes on where it was', async () => {
    const app = await started();
    const { one, id, socket } = await receiving(app);
    await app.service.interrupt(id);
    const answer = await socket.response();
    expect([answer.status, String(answer.body)]).toEqual([
      400,
      expect.stringContaining('ERR_UPLOAD_INTERRUPTED'),
    ]);
    const status = await send('HEAD', one, TUS);
    expect([status.status, status.headers['upload-offset']]).toEqual([200, '5']);
    await app.service.interrupt(id);
    expect(app.kinds()).toEqual(['tus.upload.created']);
  });

  it('expires an unfinished upload, and no finished one', async () => {
    const app = await started();
    const { one, id, socket } = await receiving(app);
    await expect(app.service.expire(id)).resolves.toBe(true);
    expect((await socket.response()).status).toBe(400);
    expect((await send('HEAD', one, TUS)).status).toBe(404);
    expect(app.kinds()).toEqual(['tus.upload.created', 'tus.upload.expired']);
    const finished = await upload(app.url, 'hello');
    await expect(app.service.expire(idOf(finished))).resolves.toBe(false);
    expect((await send('HEAD', finished, TUS)).status).toBe(200);
  });

  it.each(['missing', '../escape', ''])('knows no upload %j', async (id) => {
    const { service } = await started();
    for (const name of ['info', 'terminate', 'interrupt', 'expire'] as const) {
      await expect(service[name](id)).rejects.toMatchObject({ code: 'ERR_UPLOAD_NOT_FOUND', status: 404 });
    }
  });

  it('says so when the store cannot', async () => {
    const { newUpload, getUpload } = MemoryStore.prototype;
    const memory = new MemoryStore();
    const bare = { newUpload: newUpload.bind(memory), getUpload: getUpload.bind(memory) };
    const { app, url } = await startApp({ imports: [TusModule.forRoot({ store: { useValue: bare } })] });
    const id = idOf(await create(`${url}/files`, 5));
    const service = app.get(TusService);
    for (const call of [() => service.terminate(id), () => service.expire(id), () => service.list()]) {
      await expect(call()).rejects.toMatchObject({ code: 'ERR_NOT_IMPLEMENTED', status: 501 });
    }
  });
});

describe('stopUpload of a progress event', () => {
  it('ends the running request, and terminates the upload', async () => {
    const app = await started();
    app.events.progress$.subscribe(({ upload: running }) => {
      if (running.offset >= 5) running.stopUpload({ statusCode: 415, body: 'not that' });
    });
    const one = await create(app.url, 10);
    const socket = await openPatch(one, { offset: 0, length: 10 });
    await socket.send('hello');
    const answer = await socket.response();
    expect([answer.status, String(answer.body)]).toEqual([415, 'not that']);
    expect((await send('HEAD', one, TUS)).status).toBe(404);
    expect(app.kinds()).toEqual(['tus.upload.created', 'tus.upload.terminated']);
  });
});
