import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileLocker, FileStore } from '@nestjs-tus/file-store';
import { RedisLocker } from '@nestjs-tus/redis-locker';
import { S3Store } from '@nestjs-tus/s3-store';
import { MemoryStore, StoreComposer, TusHandler, TusModule } from 'nestjs-tus';

const ROOT = join(import.meta.dirname, '../..');
/** No option takes it. */
const WRONG = Number.NaN;
const textOf = (path: string) => readFile(join(ROOT, path), 'utf8');

/** Names in backticks in the first column of the table below a heading; `a: { b, c }` is `a`, `a.b` and `a.c`. */
async function optionsOfTable(path: string, header: RegExp): Promise<string[]> {
  const lines = (await textOf(path)).split('\n');
  const first = lines.findIndex((line) => header.test(line)) + 2;
  const rows = lines.slice(first, first + lines.slice(first).findIndex((line) => !line.startsWith('|')));
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].flatMap(([, name = '']) => {
      const [outer = '', inner] = name.split(':');
      return [outer, ...[...(inner ?? '').matchAll(/\w+/g)].map(([member]) => `${outer}.${member}`)];
    }),
  );
}

/** The keys of an interface in a source file, e.g. of `interface Config`. */
async function keysOfInterface(path: string, name: string): Promise<string[]> {
  const [, body = ''] =
    new RegExp(`interface ${name}[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(await textOf(path)) ?? [];
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, key = '']) => key);
}

/** `a.b` of a wrong value. */
function wrongAt(path: string, value: unknown = WRONG): Record<string, unknown> {
  const [outer = '', inner] = path.split('.');
  return { [outer]: inner === undefined ? value : { [inner]: value } };
}

/** Makes it with each of these options wrong, and with a sibling of each that nothing knows. */
function expectChecks(make: (options: object) => unknown, names: readonly string[]): void {
  expect(names.length).toBeGreaterThan(1);
  for (const name of names) {
    const path = name.replace('.', '\\.');
    expect(() => make(wrongAt(name))).toThrow(new RegExp(`${path} is .*: write .`));
    expect(() => make(wrongAt(name, null))).toThrow(new RegExp(`${path} is .*: write .`));
    expect(() => make(wrongAt(`${name}Zz`, 1))).toThrow(new RegExp(`${path}Zz is unknown: write .`));
  }
}

const storeComposer = StoreComposer.of(new MemoryStore());
const engine = (options: object) => new TusHandler({ storeComposer, ...options });
const root = (options: object) => TusModule.forRoot(options);

describe('every option is checked', () => {
  it('of the table in README.md, each with its text', async () => {
    expectChecks(root, await optionsOfTable('README.md', /^\| option .*\| what it does/));
  });

  it('of the interfaces, and README.md knows them all', async () => {
    const source = 'libs/nestjs-tus/src/options/tus-module-options.ts';
    const engineKeys = (await keysOfInterface('libs/core/src/config.ts', 'Config')).filter(
      (key) => key !== 'storeComposer',
    );
    const nested = {
      cors: await keysOfInterface('libs/core/src/config.ts', 'CorsConfig'),
      expiration: await keysOfInterface('libs/core/src/config.ts', 'ExpirationConfig'),
      postFinish: await keysOfInterface('libs/core/src/config.ts', 'PostFinishConfig'),
    };
    const members = Object.entries(nested).flatMap(([outer, keys]) => keys.map((key) => `${outer}.${key}`));
    expectChecks(engine, [...engineKeys, ...members]);
    const own = [
      ...(await keysOfInterface(source, 'TusModuleOptions')),
      ...(await keysOfInterface(source, 'TusGraphOptions')),
    ];
    expectChecks(root, [...own, ...members]);
    const documented = await optionsOfTable('README.md', /^\| option .*\| what it does/);
    expect(documented).toEqual(
      expect.arrayContaining([...own, ...engineKeys.filter((key) => key !== 'basePath')]),
    );
  });

  it('of forRootAsync, beside what the module is made of', async () => {
    const source = 'libs/nestjs-tus/src/options/tus-module-options.ts';
    const names = [
      ...(await keysOfInterface(source, 'TusAsyncOptions')),
      ...(await keysOfInterface(source, 'TusGraphOptions')),
    ];
    expect(names).toContain('useExisting');
    expectChecks((options) => TusModule.forRootAsync(options), names);
  });

  it.each<[string, (options: object) => unknown, string, string, string]>([
    [
      'FileStore',
      (o) => new FileStore({ directory: '.', ...o }),
      'file-store',
      'options.ts',
      'FileStoreOptions',
    ],
    [
      'FileLocker',
      (o) => new FileLocker({ directory: '.', ...o }),
      '',
      'locker/file-locker.ts',
      'FileLockerOptions',
    ],
    ['RedisLocker', (o) => new RedisLocker(o), 'redis-locker', 'options.ts', 'RedisLockerOptions'],
    ['S3Store', (o) => new S3Store({ bucket: 'uploads', ...o }), 's3-store', 'options.ts', 'S3StoreOptions'],
  ])('of %s', async (_, make, readme, file, name) => {
    const keys = await keysOfInterface(`libs/${readme || 'file-store'}/src/${file}`, name);
    const texts = keys.filter((key) => !['objectPrefix', 'key', 'object'].includes(key));
    expectChecks(make, texts);
    for (const key of keys) expect(() => make(wrongAt(key))).toThrow(new RegExp(key));
    if (readme)
      expect(await optionsOfTable(`libs/${readme}/README.md`, /^\| option/)).toEqual(
        expect.arrayContaining(keys),
      );
  });
});
