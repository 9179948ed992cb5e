import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { MemoryStore, TusController, TusModule } from 'nestjs-tus';
import { ApiTusUploads } from 'nestjs-tus/openapi';
import { idOf, send, TUS, upload } from './apps/http-client.js';
import { closeApps, startApp } from './apps/start-app.js';

const store = { useFactory: () => new MemoryStore() };

afterEach(closeApps);

describe('ApiTusUploads', () => {
  it('describes the routes, their headers and statuses, of each endpoint once', async () => {
    const decorators = [ApiTusUploads()];
    const { app, url } = await startApp({
      imports: [
        TusModule.forRoot({ store, decorators }),
        TusModule.forRoot({
          name: 'docs',
          path: 'docs',
          store,
          decorators: [ApiTusUploads({ tag: 'docs' })],
        }),
        TusModule.forRoot({ name: 'plain', path: 'plain', store }),
      ],
    });
    const document = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    expect(Object.keys(document.paths['/files'] ?? {})).toEqual(['post']);
    expect(Object.keys(document.paths['/files/{id}'] ?? {}).sort()).toEqual(
      ['delete', 'get', 'head', 'patch', 'post'].sort(),
    );
    for (const [path, tag] of [
      ['/files/{id}', 'uploads'],
      ['/docs/{id}', 'docs'],
    ] as const) {
      const patch = document.paths[path]?.patch;
      expect(patch).toMatchObject({ tags: [tag], summary: 'Append to an upload' });
      const names = (patch?.parameters ?? []).map((parameter) => ('name' in parameter ? parameter.name : ''));
      expect(names.sort()).toEqual([
        'Tus-Resumable',
        'Upload-Checksum',
        'Upload-Length',
        'Upload-Offset',
        'id',
      ]);
      expect(Object.keys(patch?.responses ?? {})).toEqual(
        expect.arrayContaining(['204', '400', '403', '404', '409', '410', '412', '413', '423', '460', '503']),
      );
      expect(patch?.requestBody).toMatchObject({ content: { 'application/offset+octet-stream': {} } });
    }
    expect(document.paths['/plain/{id}']?.patch?.summary).toBeUndefined();
    // The routes still do what they did.
    const one = await upload(`${url}/docs`, 'hello');
    expect((await send('GET', one)).body).toBe('hello');
    expect((await send('DELETE', one, TUS)).status).toBe(204);
    expect(idOf(one)).toMatch(/^[0-9a-f]{32}$/);
  });

  it("goes onto an app's own controller, too", async () => {
    @ApiTusUploads({ tag: 'mine' })
    class FilesController extends TusController {}
    const { app, url } = await startApp({
      imports: [TusModule.forRoot({ store, controller: FilesController })],
    });
    const document = SwaggerModule.createDocument(app, new DocumentBuilder().build());
    expect(document.paths['/files']?.post).toMatchObject({ tags: ['mine'], summary: 'Create an upload' });
    expect((await send('GET', await upload(`${url}/files`, 'hello'))).body).toBe('hello');
  });
});
