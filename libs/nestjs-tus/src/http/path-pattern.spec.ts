import { readTarget } from '@nestjs-tus/core';
import { checkPath, collectionPathOf, literalFirst, matchPattern, parsePattern } from './path-pattern.js';

const match = (pattern: string, target: string) =>
  matchPattern(parsePattern(pattern), readTarget(target)?.segments ?? []);

describe('matchPattern', () => {
  it.each([
    ['files', '/files'],
    ['files', '/files/'],
    ['files', '/FILES'],
    ['/api/v1/files/', '/api/v1/files'],
    ['tenants/:tenantId/files', '/tenants/7/files'],
    ['', '/'],
  ])('finds the creation URL of %s at %s', (pattern, path) => expect(match(pattern, path)).toEqual({}));

  it.each([
    ['files', '/files/f00', 'f00'],
    ['files', '/files/f00/', 'f00'],
    ['files', '/files/a%62c', 'abc'],
    ['files', '/files/a%7Eb', 'a~b'],
    ['files', '/files/a%257Eb', 'a%7Eb'],
    ['files', '/files/a;v=1', 'a;v=1'],
    ['tenants/:tenantId/files', '/tenants/7/files/f00', 'f00'],
    ['', '/f00', 'f00'],
  ])('finds the upload of %s at %s', (pattern, path, uploadId) =>
    expect(match(pattern, path)).toEqual({ uploadId }),
  );

  it.each([
    ['files', '/files/%'],
    ['files', '/files/%zz'],
    ['files', '/files/%ff'],
    ['files', '/files/..'],
    ['files', '/files/%2e%2E'],
    ['files', '/files/..%2Fetc'],
    ['files', '/files/a%5Cb'],
    ['files', '/files/a%00'],
    ['tenants/:tenantId/files', '/tenants/../files/f00'],
    ['tenants/:tenantId/files', '/tenants/a%2Fb/files'],
    ['', '/%2F'],
  ])('says of %s that it is malformed at %s', (pattern, path) =>
    expect(match(pattern, path)).toEqual({ isMalformed: true }),
  );

  it.each([
    ['files', '/'],
    ['files', '/filesystem'],
    ['files', '/other/files'],
    ['files', '/files/f00/thumbnail'],
    ['files', '//files'],
    ['files', '/%66iles'],
    ['files', '/files;v=1/f00'],
    ['files', '/files\\f00'],
    ['files', '/files/f00#'],
    ['files', 'x://y/files/f00'],
    ['files', '/files//'],
    ['tenants/:tenantId/files', '/tenants//files'],
    ['tenants/:tenantId/files', '/tenants/files'],
  ])('leaves %s alone at %s', (pattern, path) => expect(match(pattern, path)).toBeUndefined());
});

describe('literalFirst', () => {
  it.each([
    [
      ['', 'files'],
      ['/files', '/'],
    ],
    [
      [':kind', 'files'],
      ['/files', '/:kind'],
    ],
    [
      [':a/files', ':a/:b', 'a/:b', 'a/files'],
      ['/a/files', '/a/:b', '/:a/files', '/:a/:b'],
    ],
    [
      [':a', 'a/:b/c', 'a'],
      ['/a/:b/c', '/a', '/:a'],
    ],
  ])('puts %j into the order of a router that prefers literals', (paths, sources) =>
    expect(
      paths
        .map(parsePattern)
        .sort(literalFirst)
        .map(({ source }) => source),
    ).toEqual(sources),
  );
});

describe('collectionPathOf', () => {
  it.each([
    ['/files', false, '/files/'],
    ['/files/', false, '/files/'],
    ['/api/Files/f00', true, '/api/Files/'],
    ['/api/files/f00/', true, '/api/files/'],
    ['/', false, '/'],
  ])('of %s (upload: %s) is %s', (path, isUpload, expected) =>
    expect(collectionPathOf(path, isUpload)).toBe(expected),
  );
});

describe('checkPath', () => {
  it.each(['files', '/files/', 'a/b.c', 'tenants/:tenantId/files', ''])('takes "%s"', (path) =>
    expect(() => checkPath(path)).not.toThrow(),
  );

  it.each(['files/*path', 'files{/:a}', 'files/:a-:b', 'a b', 'files?x', 'files/:id'])(
    'refuses "%s"',
    (path) => expect(() => checkPath(path)).toThrow(/write/),
  );

  it('refuses what is no text', () => {
    expect(() => checkPath(7)).toThrow("path is 7: write a route such as 'files'");
  });
});
