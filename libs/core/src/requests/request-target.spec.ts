import type { IncomingMessage } from 'node:http';
import { routeOf } from '../route.js';
import { decodeSegment, readSentTarget, readTarget } from './request-target.js';

describe('readTarget', () => {
  it.each([
    ['/', '/'],
    ['/files', '/files'],
    ['/files/', '/files/'],
    ['/files/a~b', '/files/a~b'],
    ['/files/a%7Eb', '/files/a%7Eb'],
    ["/files/a-._~!$&'()*+,;=:@", "/files/a-._~!$&'()*+,;=:@"],
    ['/files/f00?', '/files/f00'],
    ['/files/f00?x=\\//..%zz;{}|', '/files/f00'],
    ['/files/f00?\xe9', '/files/f00'],
    ['http://example.com/files/f00?a', '/files/f00'],
    ['HTTPS://Example.com:8443/files', '/files'],
    ['http://[::1]:80/files', '/files'],
  ])('reads %j as %s', (target, path) =>
    expect(readTarget(target)).toEqual({ path, segments: path.split('/') }),
  );

  it.each([
    '',
    '*',
    'files',
    '?',
    '#',
    '//files',
    '//host/files',
    '/files//f00',
    '/files//',
    '\\files\\f00',
    '/files\\f00',
    '/files\\f00#',
    '/files\\f00?#',
    '/files/f00#',
    '/files/f00?a#b',
    '/files/f00?a b',
    '/files/f00?\x00',
    '/files/\x00',
    '/files/f\t00',
    '/files/\xe9',
    '/files/\u212a',
    '/files/{id}',
    '/files/a|b',
    '/files/"a"',
    '/files/a^b',
    'x://y/files',
    'http:/files',
    'http:files',
    'http:///files',
    'http:\\\\y/files',
    'http://y\\files',
    'http://y',
    'http://y?/files',
    'http://y#/files',
    'http://a@y/files',
    'http://a:b@y/files',
    'http://y:/files',
    'http://y:port/files',
    'http://%79/files',
    'ftp://y/files',
    'y:443',
    ' /files',
    '/files ',
    '/files\n',
  ])('does not read %j', (target) => expect(readTarget(target)).toBeUndefined());

  it('takes no longer for a long target than its length asks', () => {
    expect(readTarget(`${'/a'.repeat(100_000)}//`)).toBeUndefined();
    expect(readTarget(`/${'a'.repeat(200_000)}\\`)).toBeUndefined();
  });
});

describe('decodeSegment', () => {
  it.each([
    ['f00', 'f00'],
    ['', ''],
    ['a%7Eb', 'a~b'],
    ['a%7eb', 'a~b'],
    ['%66%30%30', 'f00'],
    ['a%257Eb', 'a%7Eb'],
    ['caf%C3%A9', 'café'],
    ['a+b', 'a+b'],
    ['...', '...'],
    ['a.', 'a.'],
  ])('decodes %s once to %s', (segment, decoded) => expect(decodeSegment(segment)).toBe(decoded));

  it.each([
    '%',
    '%a',
    '%zz',
    '%ff',
    '%C0%AF',
    '%ED%A0%80',
    '.',
    '..',
    '%2e',
    '.%2E',
    'a%2Fb',
    '%5c',
    '%00',
    '%0d%0a',
    '%7F',
    '%C2%85',
  ])('makes nothing of %s', (segment) => expect(decodeSegment(segment)).toBeUndefined());
});

const request = (url: string, originalUrl?: string) => ({ url, originalUrl }) as unknown as IncomingMessage;

describe('readSentTarget', () => {
  it('is the whole target, where a framework has cut it', () => {
    expect(readSentTarget(request('/f00', '/files/f00'))?.path).toBe('/files/f00');
    expect(readSentTarget(request('/f00', '/files\\f00'))).toBeUndefined();
    expect(readSentTarget(request('/f00'))?.path).toBe('/f00');
  });
});

describe('routeOf', () => {
  const collectionPath = '/files/';

  it.each([
    ['/files', undefined],
    ['/files/?a', undefined],
    ['http://host/files', undefined],
    ['/files/f00', 'f00'],
    ['/files/f00/', 'f00'],
    ['/files/a%7Eb', 'a~b'],
    ['/files/a~b', 'a~b'],
    ['https://host/files/f00', 'f00'],
  ])('leads %s to %s', (target, uploadId) =>
    expect(routeOf(request(target), '/files/')).toEqual({ collectionPath, uploadId }),
  );

  it.each([
    '/',
    '/file',
    '/filesystem/f00',
    '/other/files/f00',
    '/%66iles/f00',
    '/FILES/f00',
    '/x/../files/f00',
  ])('leads %s elsewhere', (target) => expect(routeOf(request(target), '/files/')).toBe('elsewhere'));

  it.each([
    '*',
    '/files//',
    '/files/a/b',
    '/files/a%2Fb',
    '/files/..',
    '/files/%zz',
    '/files/f00#',
    'x://y/files/f00',
  ])('leads %s nowhere', (target) => expect(routeOf(request(target), '/files/')).toBeUndefined());

  it('is below the path of an absolute base', () => {
    expect(routeOf(request('/up/a%7Eb'), 'https://cdn.example.com/up/')).toEqual({
      collectionPath: '/up/',
      uploadId: 'a~b',
    });
  });
});
