import { join } from 'node:path';
import { endServed, expectUploads, installOutside, LIBS, type AppOutside } from './app-outside.js';

const root = join(import.meta.dirname, '../..');

let app: AppOutside;
beforeAll(async () => {
  app = await installOutside([
    ...['@nestjs/common@12', '@nestjs/core@12', '@nestjs/platform-express@12', 'reflect-metadata', 'rxjs'],
    ...['@types/node@20', '@types/express@5'],
  ]);
});
afterEach(endServed);

it('a package holds what the build made, and nothing else', () => {
  expect(app.packed.map(({ name }) => name).sort()).toEqual([...LIBS].sort());
  for (const { files } of app.packed) {
    const paths = files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(['package.json', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']),
    );
    expect(
      paths.filter((path) => !/^(package\.json|LICENSE|README\.md|dist\/.*\.(js|d\.ts)(\.map)?)$/.test(path)),
    ).toEqual([]);
    expect(paths.filter((path) => /spec\.|tsbuildinfo/.test(path))).toEqual([]);
  }
});

it('a Nest app serves uploads by the installed module', async () => {
  await app.write(
    'nest-app.mjs',
    `
    import 'reflect-metadata';
    import { Module } from '@nestjs/common';
    import { NestFactory } from '@nestjs/core';
    import { FileStore } from '@nestjs-tus/file-store';
    import { TusModule } from 'nestjs-tus';

    class AppModule {}
    const store = { useFactory: () => new FileStore({ directory: './uploads' }) };
    Module({ imports: [TusModule.forRoot({ path: 'files', store })] })(AppModule);

    const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
    await app.listen(0, '127.0.0.1');
    console.log('serving', 'http://127.0.0.1:' + app.getHttpServer().address().port + '/files/');
    `,
  );
  await expectUploads(await app.serve('nest-app.mjs'));
});

it('a CommonJS program requires the engine, and mounts it on node:http', async () => {
  await app.write(
    'plain.cjs',
    `
    const { createServer } = require('node:http');
    const { MemoryLocker, MemoryStore, StoreComposer, TusHandler } = require('@nestjs-tus/core');

    const handler = new TusHandler({ storeComposer: StoreComposer.of(new MemoryStore(), new MemoryLocker()) });
    const server = createServer((req, res) => handler.handle(req, res));
    handler.init().then(() => server.listen(0, '127.0.0.1', () => {
      console.log('serving', 'http://127.0.0.1:' + server.address().port + '/files/');
    }));
    `,
  );
  await expectUploads(await app.serve('plain.cjs'));
});

it('types resolve, and are more than any', async () => {
  await app.write(
    'types.mts',
    `
    import type { DynamicModule } from '@nestjs/common';
    import { MemoryLocker, MemoryStore, StoreComposer, TusHandler, errors, type FileInfo, type Upload } from '@nestjs-tus/core';
    import { FileStore } from '@nestjs-tus/file-store';
    import { TusModule } from 'nestjs-tus';

    export const module: DynamicModule = TusModule.forRoot({
      path: 'files',
      store: { useFactory: () => new FileStore({ directory: './uploads' }) },
      locker: { useClass: MemoryLocker },
      maxSize: 5 * 2 ** 30,
    });
    export const handler = new TusHandler({ storeComposer: StoreComposer.of(new MemoryStore()), maxSize: 1 });
    export const read = (upload: Upload): Promise<FileInfo> => upload.getInfo({});
    export const status: number = errors.notFound().status;
    // @ts-expect-error a size is a number of bytes
    TusModule.forRoot({ path: 'files', maxSize: '5 GiB' });
    // @ts-expect-error so it is for the engine
    new TusHandler({ storeComposer: new StoreComposer(), maxSize: '5 GiB' });
    `,
  );
  const options = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  };
  await app.write('tsconfig.json', JSON.stringify({ compilerOptions: options, files: ['types.mts'] }));
  await app.run(join(root, 'node_modules/typescript/bin/tsc'), '-p', app.folder);
});
