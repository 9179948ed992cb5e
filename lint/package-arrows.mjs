import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative, resolve, sep } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Which packages of this repository the code of a folder may import. What is not a row here imports freely. */
const ARROWS = {
  'libs/core': [],
  'libs/file-store': ['@nestjs-tus/core'],
  'libs/object-storage': ['@nestjs-tus/core'],
  'libs/s3-store': ['@nestjs-tus/core', '@nestjs-tus/object-storage'],
  'libs/lease-locker': ['@nestjs-tus/core'],
  'libs/redis-locker': ['@nestjs-tus/core', '@nestjs-tus/lease-locker'],
  'libs/nestjs-tus': ['@nestjs-tus/core', '@nestjs-tus/file-store'],
  src: [
    'nestjs-tus',
    '@nestjs-tus/core',
    '@nestjs-tus/file-store',
    '@nestjs-tus/s3-store',
    '@nestjs-tus/redis-locker',
  ],
};

const OURS = /^(@nestjs-tus\/[^/]+|nestjs-tus)(\/.*)?$/;

/** What tests may import beside what their package declares: development tools of the whole repository. */
const rootManifest = readManifest('.');

/** Keeps imports on the arrows between packages: no package reaches into another, and core stands on Node and what little it declares. */
export const packageArrows = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      builtin: "Write 'node:{{name}}': a built-in module without its prefix can be shadowed by a package.",
      inside: "'{{name}}' reaches inside a package: import what '{{package}}' exports.",
      escape: "'{{name}}' leaves {{home}}: import the other package by its name.",
      arrow: '{{home}} must not import {{package}}; allowed: {{allowed}}.',
      undeclared: '{{home}} must not import {{package}}, which its package.json does not declare.',
    },
  },
  create(context) {
    const path = relative(root, context.filename).split(sep).join('/');
    const home = Object.keys(ARROWS).find((folder) => path.startsWith(`${folder}/`));
    const isTest = /\.(e2e-)?spec\.ts$/.test(path) || path.startsWith('test/');

    const check = (node) => {
      if (typeof node?.value !== 'string') return;
      const problem = judge(node.value, { path, home, isTest });
      if (problem) context.report({ node, ...problem });
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source ?? node.argument?.literal),
      TSExternalModuleReference: (node) => check(node.expression),
    };
  },
};

function judge(name, { path, home, isTest }) {
  if (name.startsWith('.')) return judgeRelative(name, path, home);
  if (name.startsWith('node:')) return undefined;
  if (isBuiltin(name)) return { messageId: 'builtin', data: { name } };

  const [, ours, inner] = OURS.exec(name) ?? [];
  if (ours && /^\/(src|dist)(\/|$)/.test(inner ?? '')) {
    return { messageId: 'inside', data: { name, package: ours } };
  }
  if (!home) return undefined;
  if (ours) {
    const allowed = ARROWS[home];
    if (allowed.includes(ours)) return undefined;
    return { messageId: 'arrow', data: { home, package: ours, allowed: allowed.join(', ') || 'none' } };
  }
  const external = packageOf(name);
  if (declares(readManifest(home === 'src' ? '.' : home), external)) return undefined;
  if (isTest && external in (rootManifest.devDependencies ?? {})) return undefined;
  return { messageId: 'undeclared', data: { home, package: external } };
}

/** A relative path stays in its package's folder; code outside the packages does not reach into one. */
function judgeRelative(name, path, home) {
  const target = relative(root, resolve(root, path, '..', name))
    .split(sep)
    .join('/');
  const targetHome = /^(libs\/[^/]+|src)\//.exec(target)?.[1];
  const sameHome = home ? target.startsWith(`${home}/`) : !targetHome;
  const inSources = !/^(libs\/[^/]+\/)?dist\//.test(target);
  if (sameHome && inSources) return undefined;
  return { messageId: 'escape', data: { name, home: home ?? 'its folder' } };
}

function packageOf(name) {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

function declares(manifest, name) {
  return [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies].some(
    (names) => names !== undefined && name in names,
  );
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
}
