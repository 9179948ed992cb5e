import { ErrInvalidConcat, ErrInvalidMetadata } from '../errors.js';
import { readChecksum, startAllDigests, startDigest } from './checksum.js';
import { readConcat } from './concat.js';
import { evaluateConditions, rangeApplies } from './conditions.js';
import { contentDisposition } from './disposition.js';
import { readForwarded, withoutDefaultPort } from './forwarded.js';
import { parseInteger } from './integer.js';
import { servedType } from './media-type.js';
import { parseMetadataHeader, readMetadata, serializeMetadataHeader } from './metadata.js';
import { readRange } from './range.js';

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'nothing was thrown';
}

describe('parseInteger (C1, C2)', () => {
  it.each([
    ['0', 0],
    ['007', 7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('reads %s', (text, value) => expect(parseInteger(text)).toBe(value));

  it.each([
    '',
    '-1',
    '+1',
    '1.5',
    'abc',
    '0x1',
    '1e3',
    ' 5',
    '5, 5',
    '9007199254740992',
    '9223372036854775808',
    undefined,
  ])('refuses %j', (text) => expect(parseInteger(text)).toBeUndefined());
});

describe('metadata (CR7, CR9)', () => {
  it.each<[string, Record<string, string>]>([
    ['', {}],
    ['key', { key: '' }],
    ['key ', { key: '' }],
    ['name bHVucmpzLnBuZw==,type aW1hZ2UvcG5n', { name: 'lunrjs.png', type: 'image/png' }],
    ['name bHVucmpzLnBuZw==, type aW1hZ2UvcG5n', { name: 'lunrjs.png', type: 'image/png' }],
    ['filename 4pyTLnR4dA==', { filename: '✓.txt' }],
    ['constructor eA==,toString eQ==', { constructor: 'x', toString: 'y' }],
  ])('reads %j', (header, expected) => {
    expect(readMetadata(header)).toEqual(expected);
    expect(parseMetadataHeader(header)).toEqual(expected);
  });

  it('keeps a key such as __proto__ as a key', () => {
    const metaData = readMetadata('__proto__ eA==');
    expect(Object.keys(metaData)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(metaData)).toBe(Object.prototype);
    expect(serializeMetadataHeader(metaData)).toBe('__proto__ eA==');
  });

  it.each([
    'key !!!!',
    'key YQ',
    'key YQ==,key YQ==',
    ',',
    'key YQ==,',
    'key  YQ==',
    'key YQ== YQ==',
    'key Y-Q_',
  ])('refuses %j, while the lenient parser leaves it out', (header) => {
    expect(codeOf(() => readMetadata(header))).toBe(ErrInvalidMetadata.code);
    expect(() => parseMetadataHeader(header)).not.toThrow();
  });

  it('leaves out what is malformed and takes the last of two with one key, as the reference does', () => {
    expect(parseMetadataHeader('a YQ==,b !!!,c Yw== x,a Yg==')).toEqual({ a: 'b' });
  });

  it('writes what it reads', () => {
    const metaData = { filename: 'ü "x".png', empty: '' };
    expect(parseMetadataHeader(serializeMetadataHeader(metaData))).toEqual(metaData);
  });
});

describe('readConcat (CO4, CO11, CO13)', () => {
  const collection = { path: '/files/', hosts: ['host.example'], bases: ['https://public.example/up/'] };

  it('reads a partial upload', () => expect(readConcat('partial', collection)).toEqual({ kind: 'partial' }));

  it.each([
    ['final;/files/a /files/b', ['a', 'b']],
    ['final;http://host.example/files/a', ['a']],
    ['final;https://HOST.example/files/a', ['a']],
    ['final;https://public.example/up/a /files/a', ['a', 'a']],
    ['final;a ./b', ['a', 'b']],
    ['final;/files/a%7Eb %61 https://public.example/up/%62', ['a~b', 'a', 'b']],
  ])('reads %s', (header, uploadIds) =>
    expect(readConcat(header, collection)).toEqual({ kind: 'final', uploadIds }),
  );

  it.each([
    'final',
    'final;',
    'final; ',
    'Partial',
    'foo',
    'final;/files/../../x',
    'final;/files/a/b',
    'final;/other/a',
    'final;http://evil.example/files/a',
    'final;//host.example/files/a',
    'final;/files/%2e%2e',
    'final;/files/a%2Fb',
    'final;/files/a%257Eb',
    'final;/files/%zz',
    '',
    'final;/files/..',
    'final;/files/a?x=1',
    'final;/files/',
  ])('refuses %s', (header) =>
    expect(codeOf(() => readConcat(header, collection))).toBe(ErrInvalidConcat.code),
  );
});

describe('checksums (CS1, CS5, CS9)', () => {
  it.each([
    ['sha1', 'qZk+NkcGgWq6PiVxeFDCbJzQ2J0='],
    ['sha256', 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='],
    ['md5', 'kAFQmDzST7DWlj99KOF/cg=='],
    ['crc32', 'NSRBwg=='],
  ])('computes %s of "abc"', (algorithm, expected) => {
    const checksum = readChecksum(`${algorithm} ${expected}`);
    const digest = startDigest(algorithm);
    digest.update(Buffer.from('a'));
    digest.update(Buffer.from('bc'));
    expect(digest.digest().equals(checksum.expected)).toBe(true);
  });

  it('starts all that it can read', () => {
    expect([...startAllDigests().keys()]).toEqual(['sha1', 'sha256', 'sha512', 'md5', 'crc32']);
  });

  it.each([
    ['sha1', 'ERR_INVALID_CHECKSUM'],
    ['sha1 ', 'ERR_INVALID_CHECKSUM'],
    ['sha1 !!!!', 'ERR_INVALID_CHECKSUM'],
    ['sha1 YQ==', 'ERR_INVALID_CHECKSUM'],
    ['sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0= x', 'ERR_INVALID_CHECKSUM'],
    ['SHA1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=', 'ERR_UNSUPPORTED_CHECKSUM_ALGORITHM'],
    ['constructor YQ==', 'ERR_UNSUPPORTED_CHECKSUM_ALGORITHM'],
    ['', 'ERR_UNSUPPORTED_CHECKSUM_ALGORITHM'],
  ])('refuses %j', (header, code) => expect(codeOf(() => readChecksum(header))).toBe(code));
});

describe('readRange', () => {
  it.each([
    ['bytes=0-0', 10, { start: 0, end: 0 }],
    ['bytes=2-', 10, { start: 2, end: 9 }],
    ['bytes=2-99', 10, { start: 2, end: 9 }],
    ['bytes=-3', 10, { start: 7, end: 9 }],
    ['bytes=-99', 10, { start: 0, end: 9 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=5-2', 10, undefined],
    ['bytes=0-1,3-4', 10, undefined],
    ['items=0-1', 10, undefined],
    ['bytes=-', 10, undefined],
    [undefined, 10, undefined],
  ])('%s of %d bytes', (header, size, expected) => expect(readRange(header, size)).toEqual(expected));
});

describe('evaluateConditions', () => {
  const validators = { etag: '"v1"', lastModified: new Date('2026-01-02T03:04:05.678Z') };
  const before = 'Fri, 02 Jan 2026 03:04:04 GMT';
  const same = 'Fri, 02 Jan 2026 03:04:05 GMT';

  it.each([
    [{}, 'proceed'],
    [{ 'if-none-match': '"v1"' }, 'not-modified'],
    [{ 'if-none-match': 'W/"v1", "x"' }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"x"', 'if-modified-since': same }, 'proceed'],
    [{ 'if-modified-since': same }, 'not-modified'],
    [{ 'if-modified-since': before }, 'proceed'],
    [{ 'if-modified-since': 'nonsense' }, 'proceed'],
    [{ 'if-match': '"x"' }, 'failed'],
    [{ 'if-match': '"v1"' }, 'proceed'],
    [{ 'if-match': 'W/"v1"' }, 'failed'],
    [{ 'if-match': '"x", W/"v1"' }, 'failed'],
    [{ 'if-match': '"x", "v1"' }, 'proceed'],
    [{ 'if-unmodified-since': before }, 'failed'],
    [{ 'if-unmodified-since': same }, 'proceed'],
  ])('%j: %s', (header, expected) => expect(evaluateConditions(header, validators)).toBe(expected));

  it('lets a range count only for what the client has', () => {
    expect(rangeApplies(undefined, validators)).toBe(true);
    expect(rangeApplies('"v1"', validators)).toBe(true);
    expect(rangeApplies('"v0"', validators)).toBe(false);
    expect(rangeApplies(same, validators)).toBe(true);
    expect(rangeApplies(before, validators)).toBe(false);
  });
});

describe('contentDisposition', () => {
  it.each([
    [undefined, 'attachment'],
    ['a b.txt', 'attachment;filename="a b.txt"'],
    ['x"; evil="1.txt', `attachment;filename="x_; evil=_1.txt";filename*=UTF-8''x%22%3B%20evil%3D%221.txt`],
    ['a\\b"c.txt', `attachment;filename="a_b_c.txt";filename*=UTF-8''a%5Cb%22c.txt`],
    ['dir/a\\b.txt', `attachment;filename="a_b.txt";filename*=UTF-8''a%5Cb.txt`],
    ['..\\..\\file.txt', 'attachment;filename="file.txt"'],
    ['\\\\server\\share\\file.txt', 'attachment;filename="file.txt"'],
    ['../../etc/passwd', 'attachment;filename="passwd"'],
    ['C:\\dir\\file.txt', 'attachment;filename="file.txt"'],
    ['a\r\nSet-Cookie: x', 'attachment;filename="aSet-Cookie: x"'],
    ['ü.png', `attachment;filename="?.png";filename*=UTF-8''%C3%BC.png`],
    ['😀 (1).png', `attachment;filename="? (1).png";filename*=UTF-8''%F0%9F%98%80%20%281%29.png`],
    ['50%41.txt', `attachment;filename="50%41.txt";filename*=UTF-8''50%2541.txt`],
    ['\u0000', 'attachment'],
  ])('%j', (filename, expected) => expect(contentDisposition('attachment', filename)).toBe(expected));
});

describe('servedType', () => {
  it.each([
    ['image/png', 'image/png', 'inline'],
    ['text/plain; charset=utf-8', 'text/plain; charset=utf-8', 'inline'],
    ['text/html', 'text/html', 'attachment'],
    ['image/svg+xml', 'image/svg+xml', 'attachment'],
    ['application/pdf', 'application/pdf', 'attachment'],
    ['nonsense', 'application/octet-stream', 'attachment'],
    ['text/plain\r\nX: y', 'application/octet-stream', 'attachment'],
    [undefined, 'application/octet-stream', 'attachment'],
  ])('%j', (filetype, contentType, disposition) =>
    expect(servedType(filetype)).toEqual({ contentType, disposition }),
  );
});

describe('readForwarded', () => {
  it.each([
    [{}, {}],
    [
      { 'x-forwarded-host': 'a.example', 'x-forwarded-proto': 'https' },
      { host: 'a.example', proto: 'https' },
    ],
    [
      { 'x-forwarded-host': 'a.example, b.example', 'x-forwarded-proto': 'HTTPS,http' },
      { host: 'a.example', proto: 'https' },
    ],
    [{ forwarded: 'host=a.example;proto=https, host=b.example' }, { host: 'a.example', proto: 'https' }],
    [{ forwarded: 'for=1.2.3.4;host="a.example:8443"' }, { host: 'a.example:8443' }],
    [{ forwarded: 'host=a.example', 'x-forwarded-host': 'b.example' }, { host: 'a.example' }],
    [{ 'x-forwarded-host': 'evil.example/path', 'x-forwarded-proto': 'javascript' }, {}],
    [{ 'x-forwarded-prefix': '/up/' }, { prefix: '/up' }],
    [{ 'x-forwarded-prefix': '//evil.example' }, {}],
  ])('%j', (header, expected) => {
    const { proto, host, prefix } = readForwarded(header);
    expect({ ...(proto && { proto }), ...(host && { host }), ...(prefix && { prefix }) }).toEqual(expected);
  });

  it('drops the port that the protocol implies', () => {
    expect(withoutDefaultPort('a:80', 'http')).toBe('a');
    expect(withoutDefaultPort('a:443', 'https')).toBe('a');
    expect(withoutDefaultPort('a:443', 'http')).toBe('a:443');
  });
});
