import { checkPath, collectionPathOf, matchPattern, parsePattern, pathnameOf } from './path-pattern.js';

const match = (pattern: string, path: string) => matchPattern(parsePattern(pattern), path.split('/'));

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
    ['files', '/files/..%2Fetc', '../etc'],
    ['tenants/:tenantId/files', '/tenants/7/files/f00', 'f00'],
    ['', '/f00', 'f00'],
  ])('finds the upload of %s at %s', (pattern, path, uploadId) =>
    expect(match(pattern, path)).toEqual({ uploadId }),
  );

  it('says that an escape means nothing', () => {
    expect(match('files', '/files/%')).toEqual({ uploadId: '%', isMalformed: true });
  });

  it.each([
    ['files', '/'],
    ['files', '/filesystem'],
    ['files', '/other/files'],
    ['files', '/files/f00/thumbnail'],
    ['files', '//files'],
    ['files', '/files//'],
    ['tenants/:tenantId/files', '/tenants//files'],
    ['tenants/:tenantId/files', '/tenants/files'],
  ])('leaves %s alone at %s', (pattern, path) => expect(match(pattern, path)).toBeUndefined());
});

describe('collectionPathOf', () => {
  it.each([
    ['/files', false, '/files/'],
    ['/files/?a=/b', false, '/files/'],
    ['/api/Files/f00', true, '/api/Files/'],
    ['/api/files/f00/?a=b', true, '/api/files/'],
    ['/', false, '/'],
  ])('of %s (upload: %s) is %s', (target, isUpload, expected) =>
    expect(collectionPathOf(target, isUpload)).toBe(expected),
  );
});

describe('pathnameOf', () => {
  it('drops query and fragment', () => {
    expect(pathnameOf('/files?a=/b')).toBe('/files');
    expect(pathnameOf('/files#a')).toBe('/files');
    expect(pathnameOf('/files')).toBe('/files');
    expect(pathnameOf('http://example.com/files?a')).toBe('/files');
  });
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
