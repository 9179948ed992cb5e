import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { MemoryLocker, MemoryStore, TusEvents, TusModule } from 'nestjs-tus';
import { firstValueFrom } from 'rxjs';
import { create, idOf, OFFSET_STREAM, TUS } from './apps/http-client.js';
import { describeEachAdapter } from './adapters.js';

describeEachAdapter('start and shutdown', (startApp) => {
  describe('an app that is closed', () => {
    it('commits and answers a running PATCH, releases its lock, and closes store and locker', async () => {
      const closed: string[] = [];
      const store = Object.assign(new MemoryStore(), { close: async () => void closed.push('store') });
      const locker = Object.assign(new MemoryLocker(), { close: async () => void closed.push('locker') });
      const { app, url } = await startApp({
        imports: [
          TusModule.forRoot({
            store: { useValue: store },
            locker: { useValue: locker },
            uploadProgressInterval: 1,
          }),
        ],
      });
      const upload = await create(`${url}/files`, 10);
      const progress = firstValueFrom(app.get(TusEvents).progress$);
      const patch = request(upload, {
        method: 'PATCH',
        headers: { ...TUS, ...OFFSET_STREAM, 'Upload-Offset': 0, 'Content-Length': 10 },
      });
      const answered = new Promise<IncomingMessage>((resolve, reject) => {
        patch.once('response', resolve).once('error', reject);
      });
      patch.write('hello');
      await progress;
      const closing = app.close();
      const answer = await answered;
      expect([answer.statusCode, answer.headers['tus-resumable']]).toEqual([503, '1.0.0']);
      answer.resume();
      patch.destroy();
      await closing;
      expect((await (await store.getUpload(idOf(upload), {})).getInfo({})).offset).toBe(5);
      expect(await locker.newLock(idOf(upload)).tryLock()).toBe(true);
      expect(closed.sort()).toEqual(['locker', 'store']);
    });
  });

  describe('an app that is started', () => {
    const store = { useFactory: () => new MemoryStore() };

    it('says what its endpoint can do', async () => {
      const lines: string[] = [];
      const logger = {
        log: (text: string) => void lines.push(text),
        error: () => undefined,
        warn: () => undefined,
      };
      await startApp(
        { imports: [TusModule.forRoot({ store, logger })] },
        { prepare: (app) => app.setGlobalPrefix('api') },
      );
      expect(lines).toEqual([
        expect.stringMatching(/^"default" at \/api\/files: creation,.*; Core: ✓ Terminater: ✓/),
        expect.stringMatching(/^the app's server: header timeout 60 s, /),
      ]);
    });
  });

  describe('100 (Continue)', () => {
    it('is sent when the upload is accepted, and to other routes at once', async () => {
      const { url } = await startApp({
        imports: [
          TusModule.forRoot({
            store: { useFactory: () => new MemoryStore() },
            guards: [
              {
                canActivate: (context) =>
                  !('x-bad' in context.switchToHttp().getRequest<IncomingMessage>().headers),
              },
            ],
          }),
        ],
      });
      const upload = await create(`${url}/files`, 5);
      const expecting = (headers: Record<string, string>) =>
        new Promise<[boolean, number | undefined]>((resolve, reject) => {
          let continued = false;
          const patch = request(upload, {
            method: 'PATCH',
            agent: false,
            headers: {
              ...TUS,
              ...OFFSET_STREAM,
              'Upload-Offset': 0,
              'Content-Length': 5,
              Expect: '100-continue',
              ...headers,
            },
          });
          patch.on('continue', () => {
            continued = true;
            patch.end('hello');
          });
          patch.on('response', (answer) => {
            answer.resume();
            patch.destroy();
            resolve([continued, answer.statusCode]);
          });
          patch.on('error', reject);
          patch.flushHeaders();
        });
      await expect(expecting({ 'X-Bad': '1' })).resolves.toEqual([false, 403]);
      await expect(expecting({})).resolves.toEqual([true, 204]);
    });
  });
});
