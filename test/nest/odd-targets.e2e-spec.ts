import { Controller, Get, Injectable, Param, Put, UseGuards } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { MemoryStore, TusController, TusModule } from 'nestjs-tus';
import { rawExchange } from '../harness/raw-socket.js';
import { describeEachAdapter } from './adapters.js';
import { ApiKeyGuard, AuthModule } from './apps/api-key.js';
import { idOf, send, TUS, upload } from './apps/http-client.js';
import { OwnerGuard, OwnerHooks } from './apps/owner.js';

const ADA = { 'X-Api-Key': 'k-ada' };
const BOB = { 'X-Api-Key': 'k-bob' };
const VERBS = ['HEAD', 'GET', 'PATCH', 'DELETE'];

/** Ways to write `/files/<id>` that some reader or other takes for it. */
const UPLOAD_TARGETS: readonly ((id: string) => string)[] = [
  (id) => `/files\\${id}#`,
  (id) => `/files\\${id}?#`,
  (id) => `\\files/${id}`,
  (id) => `/%66iles/${id}`,
  (id) => `/f%69les/${id}/`,
  (id) => `/files%2F${id}`,
  (id) => `/files%5c${id}`,
  (id) => `/files;v=1/${id}`,
  (id) => `/files/${id};v=1`,
  (id) => `//files/${id}`,
  (id) => `/files//${id}`,
  (id) => `/x/../files/${id}`,
  (id) => `/x/%2e%2e/files/${id}`,
  (id) => `/./files/${id}`,
  (id) => `x://y/files/${id}`,
  (id) => `http:/files/${id}`,
  (id) => `http:\\\\y/files/${id}`,
  (id) => `http://y\\files/${id}`,
  (id) => `http://y/x/../files/${id}`,
  (id) => `http://a@y/files/${id}`,
  (id) => `http://y#/files/${id}`,
  (id) => `//y/files/${id}`,
  (id) => `/files/${id}%00`,
  (id) => `/files/${id}#`,
  (id) => `/files/${id}#/../x`,
  (id) => `/FILES/${id}`,
  (id) => `/files/${id}`,
  (id) => `/files/%${id.charCodeAt(0).toString(16)}${id.slice(1)}`,
  (id) => `http://y/files/${id}?a=b`,
];

/** Ways to write `/files`. */
const COLLECTION_TARGETS = UPLOAD_TARGETS.map((target) => target('')).concat(
  '/files',
  'x://y/files',
  '/%66iles',
);

describeEachAdapter('however a target is written,', (startApp) => {
  const owned = () =>
    startApp({
      imports: [
        TusModule.forRoot({
          store: { useFactory: () => new MemoryStore() },
          guards: [ApiKeyGuard, OwnerGuard],
          hooks: [OwnerHooks],
          imports: [AuthModule],
        }),
      ],
    });

  async function ask(url: string, method: string, target: string, headers: Record<string, string>) {
    const port = Number(new URL(url).port);
    const { response, socket } = await rawExchange(port, method, target, {
      ...TUS,
      'Content-Length': '0',
      ...headers,
    });
    socket.destroy();
    return response;
  }

  it('an upload stays with its owner', async () => {
    const { url } = await owned();
    const one = await upload(`${url}/files`, 'hello', ADA, ADA);
    for (const method of VERBS) {
      for (const target of UPLOAD_TARGETS) {
        const headers = { ...BOB, 'Upload-Offset': '5', 'Content-Type': 'application/offset+octet-stream' };
        const { status } = await ask(url, method, target(idOf(one)), headers);
        expect([method, target('<id>'), [400, 403, 404].includes(status) || status]).toEqual([
          method,
          target('<id>'),
          true,
        ]);
      }
    }
    expect((await send('GET', one, ADA)).body).toBe('hello');
  });

  it('its content is joined to nothing of another user', async () => {
    const { url } = await owned();
    const part = await upload(`${url}/files`, 'hello', { ...ADA, 'Upload-Concat': 'partial' }, ADA);
    for (const target of COLLECTION_TARGETS) {
      const { status } = await ask(url, 'POST', target, { ...BOB, 'Upload-Concat': `final;${idOf(part)}` });
      expect([target, [400, 403, 404, 405].includes(status) || status]).toEqual([target, true]);
    }
    expect((await send('GET', part, ADA)).body).toBe('hello');
  });

  it('the owner reaches it by each spelling that means the same', async () => {
    const { url } = await owned();
    const id = idOf(await upload(`${url}/files`, 'hello', ADA, ADA));
    const escaped = `%${id.charCodeAt(0).toString(16)}${id.slice(1)}`;
    for (const target of [
      `/files/${id}`,
      `/files/${id}/`,
      `/files/${id}?a=\\b//`,
      `/files/${escaped}`,
      `http://example.com/files/${id}`,
      `HTTPS://example.com:8443/files/${id}?a`,
    ]) {
      expect([target, (await ask(url, 'HEAD', target, ADA)).status]).toEqual([target, 200]);
    }
  });

  it('what is no target of the endpoint is 404 before a guard is asked', async () => {
    const asked: string[] = [];
    const { url } = await startApp({
      imports: [
        TusModule.forRoot({
          store: { useFactory: () => new MemoryStore() },
          guards: [
            {
              canActivate(context) {
                asked.push(context.switchToHttp().getRequest<{ url: string }>().url);
                return true;
              },
            },
          ],
        }),
      ],
    });
    for (const target of [
      '/files\\f00#',
      '/files/a%2Fb',
      '/files/%2e%2e',
      '/files/f00%00',
      '/%66iles/f00',
      'http://y/%66iles/f00',
      'x://y/files/f00',
    ]) {
      const { status } = await ask(url, 'HEAD', target, {});
      expect([target, status]).toEqual([target, 404]);
    }
    expect(asked).toEqual([]);
  });
});

describeEachAdapter("the documented guard on a route of the app's own", (startApp) => {
  const LOGGED_IN = [{}, ADA, BOB];

  /** Sets `request.user` where there is a key, as a login does that lets strangers through. */
  @Injectable()
  class OptionalLogin implements CanActivate {
    canActivate(context: ExecutionContext): boolean {
      const request = context.switchToHttp().getRequest<{ headers: Record<string, string>; user?: string }>();
      request.user = request.headers['x-api-key']?.replace('k-', '');
      return true;
    }
  }

  @Controller('files')
  @UseGuards(OptionalLogin, OwnerGuard)
  class ThumbnailController {
    @Get(':id/thumbnail')
    thumbnail(@Param('id') id: string): string {
      return `shown ${id}`;
    }

    @Get('latest')
    latest(): string {
      return 'shown latest';
    }
  }

  class DocumentsController extends TusController {
    @Get()
    list(): string {
      return 'shown all';
    }

    @Get(':id/thumbnail')
    thumbnail(@Param('id') id: string): string {
      return `shown ${id}`;
    }

    @Put()
    replaceAll(): string {
      return 'shown all';
    }
  }

  const store = { useFactory: () => new MemoryStore() };
  const guards = [OptionalLogin, OwnerGuard];

  it('refuses, since no upload is known there', async () => {
    const { url } = await startApp({
      imports: [TusModule.forRoot({ store, guards, hooks: [OwnerHooks] })],
      controllers: [ThumbnailController],
    });
    const one = await upload(`${url}/files`, 'hello', ADA, ADA);
    for (const headers of LOGGED_IN) {
      for (const target of [`${one}/thumbnail`, `${url}/files/f00/thumbnail`, `${url}/files/latest`]) {
        const answer = await send('GET', target, headers);
        expect([target, answer.status >= 400, answer.body.includes('shown')]).toEqual([target, true, false]);
      }
    }
  });

  it('refuses in a controller that serves uploads too', async () => {
    const { url } = await startApp({
      imports: [TusModule.forRoot({ store, guards, hooks: [OwnerHooks], controller: DocumentsController })],
    });
    const one = await upload(`${url}/files`, 'hello', ADA, ADA);
    for (const headers of LOGGED_IN) {
      for (const [method, target] of [
        ['GET', `${url}/files`],
        ['PUT', `${url}/files`],
        ['GET', `${one}/thumbnail`],
      ] as const) {
        const answer = await send(method, target, headers);
        expect([method, target, answer.status, answer.body.includes('shown')]).toEqual([
          method,
          target,
          403,
          false,
        ]);
      }
    }
    expect((await send('GET', one, ADA)).body).toBe('hello');
  });

  it('lets no stranger at an upload that has no owner', async () => {
    const { url } = await startApp({ imports: [TusModule.forRoot({ store, guards })] });
    const one = await upload(`${url}/files`, 'hello', ADA, ADA).catch(() => `${url}/files/f00`);
    for (const headers of [{}, BOB]) {
      expect((await send('GET', one, headers)).status).toBeGreaterThanOrEqual(400);
    }
  });
});
