import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import ts from 'typescript';

/** What each file imports, by absolute path; filled when a file is first asked for. Lint is one short run. */
const imports = new Map();

/**
 * Reports an import that leads back to the file it stands in. Imports of types count, too: a reader walks them as well, and a cycle of types becomes
 * one of values with the next edit.
 */
export const importCycles = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { cycle: 'This import leads back here: {{way}}. Move what both need into a file of its own.' },
  },
  create(context) {
    const check = (node) => {
      if (typeof node?.value !== 'string') return;
      const target = fileOf(node.value, context.filename);
      const way = target && wayBetween(target, context.filename);
      if (way) context.report({ node, messageId: 'cycle', data: { way: way.map(nameOf).join(' → ') } });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
    };
  },
};

/** The shortest way along imports from one file to another: both of them and what is between; undefined where there is none. */
function wayBetween(from, to) {
  const before = new Map([[from, undefined]]);
  const next = [from];
  for (let file = next.shift(); file !== undefined; file = next.shift()) {
    if (file === to) return wayTo(file, before);
    for (const target of importsOf(file)) {
      if (before.has(target)) continue;
      before.set(target, file);
      next.push(target);
    }
  }
  return undefined;
}

function wayTo(file, before) {
  const way = [];
  for (let step = file; step !== undefined; step = before.get(step)) way.unshift(step);
  return way;
}

function importsOf(file) {
  const known = imports.get(file);
  if (known) return known;
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true);
  const found = importedFiles
    .map(({ fileName }) => fileOf(fileName, file))
    .filter((target) => target !== undefined);
  imports.set(file, found);
  return found;
}

/** The source that a relative import names; undefined for packages. */
function fileOf(name, importer) {
  if (!name.startsWith('.')) return undefined;
  const path = resolve(dirname(importer), name);
  return [path.replace(/\.js$/, '.ts'), path].find((candidate) => existsSync(candidate));
}

function nameOf(file) {
  return file.split(/[/\\]/).slice(-2).join('/');
}
