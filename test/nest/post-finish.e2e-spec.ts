import { Injectable } from '@nestjs/common';
import { MemoryLocker, MemoryStore, TusModule, TusService, type HookEvent, type TusHooks } from 'nestjs-tus';
import { eventually } from '../harness/eventually.js';
import { append, create, idOf, send, TUS, upload } from './apps/http-client.js';
import { describeEachAdapter } from './adapters.js';

describeEachAdapter('postFinish', (startApp) => {
  const silent = { error: () => undefined, warn: () => undefined, log: () => undefined };
  /** Calls a hook that failed again at once. */
  const postFinish = { retryDelay: 1, maxRetryDelay: 4 };

  /** A hook that does what a test says, for each call in turn, and then succeeds. */
  function jobHook(...turns: (() => Promise<void> | void)[]) {
    const calls: HookEvent[] = [];
    @Injectable()
    class Job implements TusHooks {
      async postFinish(event: HookEvent): Promise<void> {
        calls.push(event);
        await turns[calls.length - 1]?.();
      }
    }
    return { Job, calls };
  }

  /** Store and locker of one app after another, as a restart leaves them. */
  function lasting() {
    const store = new MemoryStore();
    const locker = new MemoryLocker();
    const graph = { store: { useValue: store }, locker: { useValue: locker } };
    const infoOf = async (url: string) => (await store.getUpload(idOf(url), {})).getInfo({});
    return { store, locker, graph, infoOf };
  }

  describe('postFinish', () => {
    it('is called once for a finished upload, after its client was told', async () => {
      let answered: () => void = () => undefined;
      const answer = new Promise<void>((resolve) => (answered = resolve));
      const { Job, calls } = jobHook(() => answer);
      const { graph, infoOf } = lasting();
      const { url } = await startApp({ imports: [TusModule.forRoot({ ...graph, hooks: [Job] })] });
      const one = await upload(`${url}/files`, 'hello', { 'Upload-Metadata': 'filename aGkudHh0' });
      // The answer is here, the hook still runs.
      expect((await infoOf(one)).untold).toBe(true);
      answered();
      await eventually('the mark is gone', async () => (await infoOf(one)).untold === undefined);
      expect(calls).toHaveLength(1);
      expect(calls[0]?.upload).toMatchObject({
        id: idOf(one),
        state: 'finished',
        metaData: { filename: 'hi.txt' },
      });
      expect(calls[0]?.httpRequest).toMatchObject({ method: 'PATCH' });
      expect(calls[0]?.request).toBeUndefined();
    });

    it('is called for empty uploads and finals, and never for partials', async () => {
      const { Job, calls } = jobHook();
      const { graph } = lasting();
      const { url } = await startApp({ imports: [TusModule.forRoot({ ...graph, hooks: [Job] })] });
      const empty = await create(`${url}/files`, 0);
      const part = await upload(`${url}/files`, 'part', { 'Upload-Concat': 'partial' });
      const answer = await send('POST', `${url}/files`, {
        ...TUS,
        'Upload-Concat': `final;${new URL(part).pathname}`,
      });
      await eventually('two calls', () => calls.length === 2);
      expect(calls.map((call) => call.upload.id)).toEqual([idOf(empty), idOf(answer.headers.location ?? '')]);
    });

    it('is called for an upload of the IETF draft when its client says that it is complete', async () => {
      const { Job, calls } = jobHook();
      const { graph, infoOf } = lasting();
      const { url } = await startApp({
        imports: [TusModule.forRoot({ ...graph, hooks: [Job], enableExperimentalProtocol: true })],
      });
      const answer = await send(
        'POST',
        `${url}/files`,
        { 'Upload-Draft-Interop-Version': 6, 'Upload-Complete': '?1', 'Content-Length': 5 },
        'hello',
      );
      expect(answer.status).toBe(201);
      const one = answer.headers.location ?? '';
      await eventually('the mark is gone', async () => (await infoOf(one)).untold === undefined);
      expect(calls.map(({ upload: { id } }) => id)).toEqual([idOf(one)]);
    });

    it('is called again until it resolves, and its failure is logged', async () => {
      const fail = () => Promise.reject(new Error('queue is down'));
      const { Job, calls } = jobHook(fail, fail);
      const { graph, infoOf } = lasting();
      const logged: unknown[][] = [];
      const logger = { ...silent, error: (...line: unknown[]) => void logged.push(line) };
      const { url } = await startApp({
        imports: [TusModule.forRoot({ ...graph, hooks: [Job], postFinish, logger })],
      });
      const one = await upload(`${url}/files`, 'hello');
      await eventually('the mark is gone', async () => (await infoOf(one)).untold === undefined);
      expect(calls.map(({ upload: { id } }) => id)).toEqual([idOf(one), idOf(one), idOf(one)]);
      expect(logged).toHaveLength(2);
      expect(logged[0]).toEqual([expect.stringContaining(idOf(one)), new Error('queue is down')]);
    });

    it('of several hooks: all have to resolve', async () => {
      const first = jobHook();
      const second = jobHook(() => Promise.reject(new Error('not yet')));
      const { graph, infoOf } = lasting();
      const hooks = [first.Job, second.Job];
      const { url } = await startApp({
        imports: [TusModule.forRoot({ ...graph, hooks, postFinish, logger: silent })],
      });
      const one = await upload(`${url}/files`, 'hello');
      await eventually('the mark is gone', async () => (await infoOf(one)).untold === undefined);
      expect([first.calls.length, second.calls.length]).toEqual([2, 2]);
    });

    it('runs for no more uploads at a time than told', async () => {
      let running = 0;
      let most = 0;
      const turn = async () => {
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        running--;
      };
      const { Job, calls } = jobHook(...Array.from({ length: 12 }, () => turn));
      const { graph } = lasting();
      const { url } = await startApp({
        imports: [TusModule.forRoot({ ...graph, hooks: [Job], postFinish: { concurrency: 2 } })],
      });
      await Promise.all(Array.from({ length: 12 }, () => upload(`${url}/files`, 'hello')));
      await eventually('all are told', () => calls.length === 12 && running === 0);
      expect(most).toBeLessThanOrEqual(2);
    });

    it('may delete its upload', async () => {
      const { graph, store } = lasting();
      const calls: string[] = [];
      const { url } = await startApp({
        imports: [
          TusModule.forRoot({
            ...graph,
            postFinish,
            postFinishCallback: async ({ upload: { id } }) => {
              calls.push(id);
              await store.asTerminatableUpload(await store.getUpload(id, {})).terminate({});
            },
          }),
        ],
      });
      const one = await upload(`${url}/files`, 'hello');
      await eventually('it is gone', async () => (await send('HEAD', one, TUS)).status === 404);
      const two = await upload(`${url}/files`, 'again');
      await eventually('it is told', () => calls.includes(idOf(two)));
      expect(calls).toEqual([idOf(one), idOf(two)]);
    });
  });

  describe('postFinish after a restart', () => {
    it('is called for what was not told, when the app listens; a failed one included', async () => {
      const { graph, infoOf } = lasting();
      const before = jobHook(() => Promise.reject(new Error('down')));
      const never = { retryDelay: 100_000, maxRetryDelay: 100_000 };
      const first = await startApp({
        imports: [TusModule.forRoot({ ...graph, hooks: [before.Job], postFinish: never, logger: silent })],
      });
      const one = await upload(`${first.url}/files`, 'hello');
      await eventually('the first call', () => before.calls.length === 1);
      await first.app.close();
      expect((await infoOf(one)).untold).toBe(true);

      const after = jobHook();
      await startApp({ imports: [TusModule.forRoot({ ...graph, hooks: [after.Job] })] });
      await eventually('the mark is gone', async () => (await infoOf(one)).untold === undefined);
      expect(after.calls.map((call) => call.upload.id)).toEqual([idOf(one)]);
      expect(after.calls[0]?.httpRequest.method).toBe('');
    });

    it('is called by one of several apps', async () => {
      const { graph, infoOf, locker } = lasting();
      let claims = 0;
      const newLock = locker.newLock.bind(locker);
      locker.newLock = (id) => {
        if (id.startsWith('~told~')) claims++;
        return newLock(id);
      };
      let release: () => void = () => undefined;
      const stuck = jobHook(() => new Promise<void>((resolve) => (release = resolve)));
      const start = ({ Job }: typeof stuck) =>
        startApp({ imports: [TusModule.forRoot({ ...graph, hooks: [Job], postFinish })] });
      const { url } = await start(stuck);
      const one = await upload(`${url}/files`, 'hello');
      await eventually('the first app is at it', () => stuck.calls.length === 1);
      const other = jobHook();
      await start(other);
      await eventually('the second app has found it, and comes back for it', () => claims >= 3);
      release();
      await eventually('the mark is gone', async () => (await infoOf(one)).untold === undefined);
      expect([stuck.calls.length, other.calls.length]).toEqual([1, 0]);
    });

    it('finishes an upload whose last byte came, when there is no hook that may disagree', async () => {
      const { graph, infoOf, store } = lasting();
      const upload = await store.newUpload(
        {
          id: 'left',
          size: 0,
          sizeIsDeferred: false,
          offset: 0,
          metaData: {},
          isPartial: false,
          isFinal: false,
          partialUploads: [],
          state: 'receiving',
        },
        {},
      );
      expect((await upload.getInfo({})).state).toBe('receiving');
      const job = jobHook();
      await startApp({ imports: [TusModule.forRoot({ ...graph, hooks: [job.Job] })] });
      await eventually(
        'it is told',
        async () => (await infoOf('left')).state === 'finished' && job.calls.length === 1,
      );
    });

    it('is called for an upload that was begun before there was a hook', async () => {
      const { graph, infoOf } = lasting();
      const first = await startApp({ imports: [TusModule.forRoot(graph)] });
      const one = await create(`${first.url}/files`, 5);
      const { Job, calls } = jobHook();
      const { app, url } = await startApp({ imports: [TusModule.forRoot({ ...graph, hooks: [Job] })] });
      expect((await append(`${url}/files/${idOf(one)}`, 0, 'hello')).status).toBe(204);
      await eventually('it is told', async () => (await infoOf(one)).untold === undefined);
      expect(calls).toHaveLength(1);
      await expect(app.get(TusService).info(idOf(one))).resolves.toMatchObject({ state: 'finished' });
    });
  });

  describe('postFinish at shutdown', () => {
    it('is waited for', async () => {
      const { graph, infoOf } = lasting();
      let release: () => void = () => undefined;
      const { Job, calls } = jobHook(() => new Promise<void>((resolve) => (release = resolve)));
      const { app, url } = await startApp({ imports: [TusModule.forRoot({ ...graph, hooks: [Job] })] });
      const one = await upload(`${url}/files`, 'hello');
      await eventually('the call', () => calls.length === 1);
      const closed = app.close();
      release();
      await closed;
      expect((await infoOf(one)).untold).toBeUndefined();
    });

    it('is left to the next start when the time is up', async () => {
      const { graph, infoOf } = lasting();
      const { Job, calls } = jobHook(() => new Promise(() => undefined));
      const { app, url } = await startApp({
        imports: [TusModule.forRoot({ ...graph, hooks: [Job], gracefulRequestCompletionTimeout: 20 })],
      });
      const one = await upload(`${url}/files`, 'hello');
      await eventually('the call', () => calls.length === 1);
      await app.close();
      expect((await infoOf(one)).untold).toBe(true);
    });
  });
});
