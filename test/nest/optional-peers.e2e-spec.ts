import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const LIB = join(import.meta.dirname, '../../libs/nestjs-tus');

/** All packages that a built file imports, itself or by the files that it imports. */
async function packagesOf(file: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(file)) return new Set();
  seen.add(file);
  const packages = new Set<string>();
  const text = await readFile(file, 'utf8');
  for (const [, name = ''] of text.matchAll(/(?:from|import)\s*\(?['"]([^'"]+)['"]/g)) {
    if (!name.startsWith('.')) packages.add(name);
    else {
      const imported = join(dirname(file), file.endsWith('.d.ts') ? name.replace(/\.js$/, '.d.ts') : name);
      for (const inner of await packagesOf(imported, seen)) packages.add(inner);
    }
  }
  return packages;
}

describe('an app without the optional peers', () => {
  it.each(['index.js', 'index.d.ts'])('finds none of them behind %s', async (entry) => {
    const manifest = JSON.parse(await readFile(join(LIB, 'package.json'), 'utf8'));
    const optional = Object.keys(manifest.peerDependenciesMeta);
    expect(optional).toContain('prom-client');
    const packages = await packagesOf(join(LIB, 'dist', entry));
    expect([...packages]).toContain('@nestjs/common');
    expect(optional.filter((name) => packages.has(name))).toEqual([]);
  });

  it('has every sub-path that package.json exports', async () => {
    const manifest = JSON.parse(await readFile(join(LIB, 'package.json'), 'utf8'));
    for (const target of Object.values<string | { types: string; default: string }>(manifest.exports)) {
      if (typeof target === 'string') continue;
      for (const file of [target.types, target.default]) await packagesOf(join(LIB, file));
    }
  });
});
