import { Linter } from 'eslint';
import { join } from 'node:path';
import { packageArrows } from './package-arrows.mjs';

const root = join(import.meta.dirname, '..');

/** The ids of the messages that the rule gives for `code` in the file at `path`. */
function judge(path: string, code: string): string[] {
  const linter = new Linter({ cwd: root });
  const messages = linter.verify(
    code,
    [
      {
        files: ['**/*.ts'],
        plugins: { ours: { rules: { arrows: packageArrows } } },
        rules: { 'ours/arrows': 'error' },
      },
    ],
    { filename: join(root, path) },
  );
  return messages.map((message) => message.messageId ?? message.message);
}

describe('package arrows', () => {
  it.each([
    ['core imports a framework', 'libs/core/src/a.ts', `import '@nestjs/common';`, 'undeclared'],
    ['core imports any package', 'libs/core/src/a.ts', `import { x } from 'rxjs';`, 'undeclared'],
    ['core imports a store', 'libs/core/src/a.ts', `import '@nestjs-tus/file-store';`, 'arrow'],
    [
      'a spec of core imports a store',
      'libs/core/src/a.spec.ts',
      `import '@nestjs-tus/file-store';`,
      'arrow',
    ],
    ['a built-in module has no prefix', 'libs/core/src/a.ts', `import { join } from 'path';`, 'builtin'],
    ['a store imports the module', 'libs/file-store/src/a.ts', `import 'nestjs-tus';`, 'arrow'],
    ['a store imports Nest', 'libs/file-store/src/a.ts', `import '@nestjs/common';`, 'undeclared'],
    [
      'the module imports the S3 store',
      'libs/nestjs-tus/src/a.ts',
      `import '@nestjs-tus/s3-store';`,
      'arrow',
    ],
    [
      'the lease locker imports a locker that is built on it',
      'libs/lease-locker/src/a.ts',
      `import '@nestjs-tus/redis-locker';`,
      'arrow',
    ],
    [
      'the stores’ common part imports a cloud',
      'libs/object-storage/src/a.ts',
      `import { S3Client } from '@aws-sdk/client-s3';`,
      'undeclared',
    ],
    [
      'the stores’ common part imports a store',
      'libs/object-storage/src/a.ts',
      `import '@nestjs-tus/s3-store';`,
      'arrow',
    ],
    [
      'the lease locker imports a medium',
      'libs/lease-locker/src/a.ts',
      `import { createClient } from 'redis';`,
      'undeclared',
    ],
    [
      'the module imports what it does not declare',
      'libs/nestjs-tus/src/a.ts',
      `import 'express';`,
      'undeclared',
    ],
    [
      'a relative path leaves the package',
      'libs/file-store/src/a.ts',
      `import '../../core/src/b.js';`,
      'escape',
    ],
    [
      'the server reaches a lib by a path',
      'src/a.ts',
      `export * from '../libs/core/src/index.js';`,
      'escape',
    ],
    ['a test reaches a lib by a path', 'test/a.e2e-spec.ts', `import '../libs/core/src/index.js';`, 'escape'],
    ['a file imports what the build made', 'libs/core/src/a.ts', `import '../dist/index.js';`, 'escape'],
    ['an import goes inside a package', 'src/a.ts', `import '@nestjs-tus/core/src/errors.js';`, 'inside'],
    ['a test goes inside a package', 'test/a.e2e-spec.ts', `import 'nestjs-tus/dist/index.js';`, 'inside'],
    ['an import() does it', 'libs/core/src/a.ts', `await import('nestjs-tus');`, 'arrow'],
    ['a re-export does it', 'libs/core/src/a.ts', `export { x } from 'nestjs-tus';`, 'arrow'],
  ])('complains when %s', (_case, path, code, message) => {
    expect(judge(path, code)).toEqual([message]);
  });

  it.each([
    [
      'core imports Node',
      'libs/core/src/a.ts',
      `import { join } from 'node:path'; import './b/c.js'; import '../d.js';`,
    ],
    ['core imports the one package that it declares', 'libs/core/src/a.ts', `import 'structured-headers';`],
    ['a store imports core', 'libs/file-store/src/a.ts', `import '@nestjs-tus/core';`],
    [
      'a locker imports the lease locker',
      'libs/redis-locker/src/a.ts',
      `import '@nestjs-tus/lease-locker'; import '@nestjs-tus/core'; import 'redis';`,
    ],
    [
      'a test of a store imports the contract suite',
      'libs/file-store/src/a.spec.ts',
      `import '@nestjs-tus/core/testing';`,
    ],
    [
      'the module imports its peers',
      'libs/nestjs-tus/src/a.ts',
      `import '@nestjs/common'; import 'rxjs/operators';`,
    ],
    ['a test uses a development tool', 'libs/core/src/a.spec.ts', `import { jest } from '@jest/globals';`],
    [
      'the server imports its parts',
      'src/a.ts',
      `import 'nestjs-tus'; import '@nestjs-tus/core'; import '@nestjs/core';`,
    ],
    [
      'a test imports a package by name',
      'test/a.e2e-spec.ts',
      `import '@nestjs-tus/core'; import './server.js';`,
    ],
  ])('is content when %s', (_case, path, code) => {
    expect(judge(path, code)).toEqual([]);
  });
});
