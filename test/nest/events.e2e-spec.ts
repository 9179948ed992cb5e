import { Injectable } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { MemoryStore, TusEvents, TusModule, type TusEvent } from 'nestjs-tus';
import { firstValueFrom, map } from 'rxjs';
import { create, idOf, send, TUS, upload } from './apps/http-client.js';
import { describeEachAdapter } from './adapters.js';

describeEachAdapter('events', (startApp) => {
  const store = { useFactory: () => new MemoryStore() };
  const silent = { error: () => undefined, warn: () => undefined, log: () => undefined };

  describe('TusEvents', () => {
    it('tells the life of an upload', async () => {
      const { app, url } = await startApp({ imports: [TusModule.forRoot({ store })] });
      const events: TusEvent[] = [];
      app.get(TusEvents).all$.subscribe((event) => events.push(event));
      const one = await upload(`${url}/files`, 'hello', { 'Upload-Metadata': 'filename aGkudHh0' });
      await send('DELETE', one, TUS);
      const kinds = events.map(({ name }) => name).filter((name) => name !== 'tus.upload.progress');
      expect(kinds).toEqual(['tus.upload.created', 'tus.upload.completed', 'tus.upload.terminated']);
      expect(events[0]).toMatchObject({
        endpoint: 'default',
        upload: { id: idOf(one), size: 5, metaData: { filename: 'hi.txt' } },
        httpRequest: { method: 'POST', uri: '/files' },
      });
      expect(events[0]?.request).toHaveProperty('originalUrl', '/files');
    });

    it('completes when the app is closed', async () => {
      const { app } = await startApp({ imports: [TusModule.forRoot({ store })] });
      const completed = new Promise<void>((complete) => app.get(TusEvents).all$.subscribe({ complete }));
      await app.close();
      await completed;
    });

    it('lets no subscriber hurt an upload', async () => {
      const logged: unknown[] = [];
      const logger = { ...silent, error: (...line: unknown[]) => logged.push(line) };
      const { app, url } = await startApp({ imports: [TusModule.forRoot({ store, logger })] });
      const events = app.get(TusEvents);
      const failing = () => {
        throw new Error('mine');
      };
      events.created$.subscribe(failing);
      events.completed$.pipe(map(failing)).subscribe();
      const rejecting: () => unknown = async () => Promise.reject(new Error('later'));
      events.completed$.subscribe(rejecting);
      const completed = firstValueFrom(events.completed$);
      const one = await upload(`${url}/files`, 'hello');
      expect((await completed).upload.id).toBe(idOf(one));
      await new Promise(setImmediate);
      expect(logged).toHaveLength(3);
    });
  });

  @Injectable()
  class Listener {
    readonly heard: [string, TusEvent][] = [];

    @OnEvent('tus.upload.created')
    created(event: TusEvent): void {
      this.heard.push(['created', event]);
    }

    @OnEvent('tus.upload.completed')
    completed(event: TusEvent): void {
      this.heard.push(['completed', event]);
    }

    @OnEvent('tus.upload.terminated')
    terminated(event: TusEvent): void {
      this.heard.push(['terminated', event]);
      throw new Error('nobody is hurt');
    }
  }

  describe('EventEmitter2', () => {
    it('has the events when the app has an EventEmitterModule, with the name of their endpoint', async () => {
      const { app, url } = await startApp({
        imports: [EventEmitterModule.forRoot(), TusModule.forRoot({ name: 'docs', path: 'docs', store })],
        providers: [Listener],
      });
      const one = await upload(`${url}/docs`, 'hello');
      expect((await send('DELETE', one, TUS)).status).toBe(204);
      const { heard } = app.get(Listener);
      expect(heard.map(([name]) => name)).toEqual(['created', 'completed', 'terminated']);
      expect(heard[1]?.[1]).toMatchObject({
        name: 'tus.upload.completed',
        endpoint: 'docs',
        upload: { id: idOf(one), offset: 5 },
      });
    });

    it('may have listeners that reject', async () => {
      const logged: unknown[] = [];
      const logger = { ...silent, error: (...line: unknown[]) => logged.push(line) };
      const { app, url } = await startApp({
        imports: [EventEmitterModule.forRoot(), TusModule.forRoot({ store, logger })],
      });
      const rejecting: () => unknown = async () => Promise.reject(new Error('mine'));
      app.get(EventEmitter2).on('tus.upload.created', rejecting);
      await create(`${url}/files`, 5);
      await new Promise(setImmediate);
      expect(logged).toEqual([['a listener of tus.upload.created failed', new Error('mine')]]);
    });
  });
});
