import { Injectable } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { getTusOperation, MemoryStore, TusModule } from 'nestjs-tus';
import { describeEachAdapter } from './adapters.js';
import { create, send, TUS, upload } from './apps/http-client.js';

describeEachAdapter('a request that the front door has not opened', (startApp, { framework }) => {
  it('is 404 on the routes of the endpoint, before any guard', async () => {
    const asked: string[] = [];
    @Injectable()
    class Asked implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        asked.push(context.getHandler().name);
        return true;
      }
    }
    const { url } = await startApp(
      {
        imports: [TusModule.forRoot({ store: { useFactory: () => new MemoryStore() }, guards: [Asked] })],
        providers: [{ provide: APP_GUARD, useClass: Asked }],
      },
      {
        // A middleware of the app sends another path to the endpoint's routes.
        prepare: (app) =>
          app.use((req: { url: string }, _res: unknown, next: () => void) => {
            req.url = req.url.replace('/legacy', '/files');
            next();
          }),
      },
    );
    const headers = { ...TUS, 'Upload-Length': 5 };
    for (const [method, path] of [
      ['HEAD', '/legacy/f00'],
      ['GET', '/legacy/f00'],
      ['DELETE', '/legacy/f00'],
      ['POST', '/legacy'],
    ] as const) {
      const answer = await send(method, `${url}${path}`, headers);
      expect([method, answer.status]).toEqual([method, 404]);
      // Fastify has chosen its route before.
      if (framework === 'express') expect(answer.headers['tus-resumable']).toBe('1.0.0');
    }
    expect(asked).toEqual([]);
    await create(`${url}/files`, 5);
    expect(asked).toEqual(['create', 'create']);
  });

  it.each([
    ['files', ':kind'],
    [':kind', 'files'],
    ['a/:b', ':a/files'],
    [':a/files', 'a/:b'],
  ])('goes to one endpoint for guards and engine, where %s and %s overlap', async (path, other) => {
    const seen: unknown[] = [];
    const watch: CanActivate = {
      canActivate(context) {
        seen.push(getTusOperation(context)?.name);
        return true;
      },
    };
    const store = { useFactory: () => new MemoryStore() };
    const { url } = await startApp({
      imports: [
        TusModule.forRoot({ path, store, guards: [watch] }),
        TusModule.forRoot({ name: 'other', path: other, store, guards: [watch] }),
      ],
    });
    const collections = [path, other].flatMap((one) => [
      one,
      one.replace(/:\w+/, 'a'),
      one.replace(/:\w+/, 'files'),
    ]);
    for (const collection of collections.filter((one) => !one.includes(':'))) {
      const one = await upload(`${url}/${collection}`, 'hello');
      expect((await send('GET', one)).body).toBe('hello');
    }
    expect(seen).not.toContain(undefined);
  });
});
