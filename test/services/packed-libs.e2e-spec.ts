import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Upload } from 'tus-js-client';
import { within } from '../harness/eventually.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { download } from '../harness/tus-requests.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const LIBS = [
  '@nestjs-tus/core',
  '@nestjs-tus/file-store',
  '@nestjs-tus/redis-locker',
  '@nestjs-tus/s3-store',
  'nestjs-tus',
];
const FROM_REGISTRY = [
  ...['@nestjs/common@12', '@nestjs/core@12', '@nestjs/platform-express@12', 'reflect-metadata', 'rxjs'],
  ...['@types/node@20', '@types/express@5'],
];
const CONTENT = randomContent('packed', 1_000_000);

interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** An app in a folder of its own, which knows of this repository only what `npm pack` gives away. */
let app: string;
let packed: Packed[];

beforeAll(async () => {
  app = await temporaryFolder();
  const workspaces = LIBS.flatMap((lib) => ['--workspace', lib]);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', app, ...workspaces], {
    cwd: root,
  });
  packed = JSON.parse(stdout.slice(stdout.indexOf('['))) as Packed[];
  await writeFile(join(app, 'package.json'), JSON.stringify({ name: 'app-outside', private: true }));
  const tarballs = packed.map(({ filename }) => `./${filename}`);
  await run('npm', ['install', '--no-audit', '--no-fund', ...tarballs, ...FROM_REGISTRY], { cwd: app });
});

const started = new Set<ChildProcess>();
afterEach(async () => {
  const ended = [...started].map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of started) child.kill('SIGKILL');
  await Promise.all(ended);
});

/** Writes a program into the app, runs it, and gives the URL that it prints. */
async function serve(file: string, program: string): Promise<string> {
  await writeFile(join(app, file), program);
  const child = spawn(process.execPath, [file], { cwd: app, stdio: ['ignore', 'pipe', 'pipe'] });
  started.add(child);
  child.once('close', () => started.delete(child));
  const url = new Promise<string>((resolve, reject) => {
    let output = '';
    const read = (text: Buffer) => {
      output += text.toString();
      const [, found] = /serving (http:\S+)/.exec(output) ?? [];
      if (found) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('close', () => reject(new Error(`${file} ended:\n${output}`)));
  });
  return within(`${file} serving`, url, 60_000);
}

/** Uploads with tus-js-client, and gives the sha256 of what the server has then. */
async function uploadAndDownload(endpoint: string): Promise<string> {
  const url = await new Promise<string>((resolve, reject) => {
    const upload = new Upload(CONTENT, {
      endpoint,
      chunkSize: 300_000,
      retryDelays: null,
      metadata: { filename: 'größe.bin' },
      onError: reject,
      onSuccess: () => resolve(upload.url ?? ''),
    });
    upload.start();
  });
  return sha256((await download(url)).body);
}

it('a package holds what the build made, and nothing else', () => {
  expect(packed.map(({ name }) => name).sort()).toEqual([...LIBS].sort());
  for (const { files } of packed) {
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
  const endpoint = await serve(
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
  expect(await uploadAndDownload(endpoint)).toBe(sha256(CONTENT));
});

it('a CommonJS program requires the engine, and mounts it on node:http', async () => {
  const endpoint = await serve(
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
  expect(await uploadAndDownload(endpoint)).toBe(sha256(CONTENT));
});

it('types resolve, and are more than any', async () => {
  await writeFile(
    join(app, 'types.mts'),
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
  await writeFile(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['types.mts'] }),
  );
  const check = run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', app]);
  const complaints = await check.then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
  expect(complaints).toBe('');
});
