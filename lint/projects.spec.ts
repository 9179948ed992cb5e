import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';

/** The same list of packages stands in several files, because each tool reads its own. */

interface Manifest {
  readonly name: string;
  readonly engines: { readonly node: string };
}

interface NestProject {
  readonly type: string;
  readonly root: string;
  readonly sourceRoot: string;
  readonly entryFile: string;
  readonly compilerOptions: { readonly builder: { readonly options: { readonly configPath: string } } };
}

interface References {
  readonly references: readonly { readonly path: string }[];
}

const root = join(import.meta.dirname, '..');
const folders = readdirSync(join(root, 'libs'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => `libs/${name}`);

function read<T>(file: string): T {
  return JSON.parse(readFileSync(join(root, file), 'utf8')) as T;
}

function manifestOf(folder: string): Manifest {
  return read(join(folder, 'package.json'));
}

function referencesOf(file: string): string[] {
  return read<References>(file)
    .references.map(({ path }) => normalize(path))
    .sort();
}

describe('nest-cli.json', () => {
  const { projects } = read<{ projects: Record<string, NestProject> }>('nest-cli.json');

  it('has each lib by the name of its package, and the server', () => {
    const found = Object.entries(projects).map(([name, project]) => [name, project.root, project.type]);
    const wanted = folders.map((folder) => [manifestOf(folder).name, folder, 'library']);
    expect(found.sort()).toEqual([...wanted, ['server', '.', 'application']].sort());
  });

  it.each(Object.entries(projects))('compiles %s from files that are there', (_, project) => {
    const { sourceRoot, entryFile, compilerOptions } = project;
    expect(normalize(join(project.root, 'src'))).toBe(sourceRoot);
    expect(existsSync(join(root, sourceRoot, `${entryFile}.ts`))).toBe(true);
    expect(existsSync(join(root, compilerOptions.builder.options.configPath))).toBe(true);
  });

  it('has a lib after those that it is compiled against', () => {
    const order = Object.values(projects).map((project) => project.root);
    for (const folder of folders) {
      const before = order.slice(0, order.indexOf(folder));
      const needed = referencesOf(`${folder}/tsconfig.json`).map((path) => join(folder, path));
      expect(before).toEqual(expect.arrayContaining(needed));
    }
  });
});

it('tsconfig.json builds each lib, and the server', () => {
  expect(referencesOf('tsconfig.json')).toEqual([...folders, 'tsconfig.app.json'].sort());
});

it('tsconfig.app.json compiles the server against each lib', () => {
  expect(referencesOf('tsconfig.app.json')).toEqual([...folders].sort());
});

describe('the versions of Node', () => {
  it.each(folders)('that %s declares are those of the whole', (folder) => {
    expect(manifestOf(folder).engines).toEqual(manifestOf('.').engines);
  });

  // 20.19 and 22.12 are the first of their lines that load ES modules from CommonJS without a flag; in 21 none does, in 23 each.
  it('leave out those that cannot load the packages from CommonJS', () => {
    expect(manifestOf('.').engines.node).toBe('^20.19.0 || >=22.12.0');
  });

  it.each(['README.md', 'docs/nestjs.md'])('are named in %s', (file) => {
    expect(readFileSync(join(root, file), 'utf8')).toContain('20.19 or a later 20, or 22.12 and later');
  });
});

it('the lock file names no registry', () => {
  const { packages } = read<{ packages: Record<string, { resolved?: string }> }>('package-lock.json');
  const resolved = Object.values(packages).flatMap((entry) => entry.resolved ?? []);
  expect(resolved.sort()).toEqual([...folders].sort());
});
