import { objectHeadersProblem } from './object-headers-problem.js';

describe('headers of objects', () => {
  it('are right', () => {
    const tags = Object.fromEntries([...'abcdefghij'].map((tag) => [tag, 'x'.repeat(256)]));
    const metadata = { 'owner-id': 'Zoë', note: 'x'.repeat(1_700) };
    const headers = { contentType: 'text/plain; charset=utf-8', cacheControl: undefined, tags, metadata };
    expect(objectHeadersProblem(headers)).toBeUndefined();
    expect(objectHeadersProblem({})).toBeUndefined();
  });

  it.each<[unknown, string]>([
    [undefined, 'an object of headers'],
    ['private', 'an object of headers'],
    [Promise.resolve({}), 'at once'],
    [{ ContentType: 'a/b' }, 'ContentType is unknown: there are contentType'],
    [{ contentType: 'png' }, 'image/png'],
    [{ cacheControl: 60 }, 'cacheControl is text'],
    [{ cacheControl: 'a\r\nb' }, 'printable ASCII'],
    [{ contentDisposition: 'attachment; filename="ä"' }, 'printable ASCII'],
    [{ tags: { a: 1 } }, 'tags is an object of up to 10 texts'],
    [{ tags: Object.fromEntries([...'abcdefghijk'].map((tag) => [tag, tag])) }, 'up to 10 texts'],
    [{ tags: { ['k'.repeat(129)]: 'v' } }, '128'],
    [{ metadata: { 'a b': 'c' } }, 'a-z 0-9'],
    [{ metadata: { Owner: 'c' } }, 'a-z 0-9'],
    [{ metadata: { a: 'ä'.repeat(400) } }, '2401 bytes; up to 1800'],
  ])('are not %j', (headers, text) => {
    expect(objectHeadersProblem(headers)).toContain(text);
  });
});
