import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endServed, expectUploads, installOutside, type AppOutside } from './app-outside.js';

const root = join(import.meta.dirname, '../..');

/** What `nest new` of Nest 11 writes, as far as it matters here. */
const TSCONFIG = {
  compilerOptions: {
    ...{ module: 'nodenext', moduleResolution: 'nodenext', resolvePackageJsonExports: true },
    ...{ esModuleInterop: true, isolatedModules: true, skipLibCheck: true, strictNullChecks: true },
    ...{ emitDecoratorMetadata: true, experimentalDecorators: true, target: 'ES2023', outDir: './dist' },
  },
  include: ['src'],
};
const JEST = {
  moduleFileExtensions: ['js', 'json', 'ts'],
  rootDir: 'src',
  testRegex: '.*\\.spec\\.ts$',
  transform: { '^.+\\.(t|j)s$': 'ts-jest' },
  testEnvironment: 'node',
};

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
/** From Node 24.9 on Jest 30 requires ES modules, when Node runs with --experimental-vm-modules. */
const JEST_REQUIRES = major > 24 || (major === 24 && minor >= 9);

const SPEC = `
    import { Test } from '@nestjs/testing';
    import { errors } from 'nestjs-tus';
    import { AppModule } from './app.module';

    it('uploads', async () => {
      const testing = await Test.createTestingModule({ imports: [AppModule] }).compile();
      const app = testing.createNestApplication();
      await app.listen(0, '127.0.0.1');
      const answer = await fetch((await app.getUrl()) + '/files', {
        method: 'POST',
        headers: { 'Tus-Resumable': '1.0.0', 'Upload-Length': '5', 'Content-Type': 'application/offset+octet-stream' },
        body: 'hello',
      });
      expect([answer.status, answer.headers.get('upload-offset')]).toEqual([201, '5']);
      expect(errors.notFound().code).toBe('ERR_UPLOAD_NOT_FOUND');
      await app.close();
    });
    `;

const mainOf = (adapter: string) => `
  import { NestFactory } from '@nestjs/core';
  import { ExpressAdapter } from '@nestjs/platform-express';
  import { FastifyAdapter } from '@nestjs/platform-fastify';
  import { TusExpressAdapter } from 'nestjs-tus/express';
  import { AppModule } from './app.module';

  async function bootstrap() {
    const app = await NestFactory.create(AppModule, new ${adapter}(), { logger: ['error', 'warn'] });
    app.enableCors();
    await app.listen(0, '127.0.0.1');
    console.log('serving', (await app.getUrl()) + '/files/');
  }
  void bootstrap();
`;

let app: AppOutside;
beforeAll(async () => {
  app = await installOutside([
    ...['common', 'core', 'platform-express', 'platform-fastify', 'testing'].map(
      (name) => `@nestjs/${name}@11`,
    ),
    ...['reflect-metadata', 'rxjs', 'typescript@5', '@types/node@20', '@types/express@5'],
    ...['jest@30', 'ts-jest@29', '@types/jest@30'],
  ]);
  await app.write('tsconfig.json', JSON.stringify(TSCONFIG));
  await app.write(
    'src/app.module.ts',
    `
    import { Module } from '@nestjs/common';
    import { MemoryStore, TusModule } from 'nestjs-tus';

    @Module({ imports: [TusModule.forRoot({ path: 'files', store: { useFactory: () => new MemoryStore() } })] })
    export class AppModule {}
    `,
  );
});
afterEach(endServed);

it.each(['ExpressAdapter', 'TusExpressAdapter', 'FastifyAdapter'])(
  'an app of Nest 11, in CommonJS, serves uploads on %s',
  async (adapter) => {
    await app.write('src/main.ts', mainOf(adapter));
    await app.run('node_modules/typescript/bin/tsc', '-p', '.');
    expect(await readFile(join(app.folder, 'dist/main.js'), 'utf8')).toContain('require(');
    await expectUploads(await app.serve('dist/main.js'));
  },
);

describe('its Jest tests import the module', () => {
  beforeAll(() => app.write('src/app.spec.ts', SPEC));

  it('with the line of docs/nestjs.md', async () => {
    expect(await jest([], await lineOfThePage())).toContain('1 passed');
  });

  it(`with --experimental-vm-modules ${JEST_REQUIRES ? 'and no line' : 'and the line'}`, async () => {
    const line = JEST_REQUIRES ? {} : await lineOfThePage();
    expect(await jest(['--experimental-vm-modules'], line)).toContain('1 passed');
  });
});

async function lineOfThePage(): Promise<object> {
  const docs = await readFile(join(root, 'docs/nestjs.md'), 'utf8');
  const [, line] = /^ *("transformIgnorePatterns": .*)$/m.exec(docs) ?? [];
  return JSON.parse(`{${line}}`) as object;
}

/** Runs the app's tests. @returns what Jest wrote; rejects when one failed */
async function jest(nodeOptions: readonly string[], changes: object): Promise<string> {
  await app.write('jest.json', JSON.stringify({ ...JEST, ...changes }));
  return app.run(...nodeOptions, 'node_modules/jest/bin/jest.js', '--config', 'jest.json');
}
