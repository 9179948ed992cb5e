import { addFields, hasField, mergeFields, replaceFields } from './field-list.js';

describe('mergeFields', () => {
  it('takes the second of two spellings', () => {
    expect(mergeFields({ 'X-A': '1', B: '2' }, { 'x-a': '3' })).toEqual({ B: '2', 'x-a': '3' });
    expect(mergeFields(undefined, { A: '1' })).toEqual({ A: '1' });
    expect(mergeFields({ A: '1' }, undefined)).toEqual({ A: '1' });
  });
});

describe('replaceFields', () => {
  it('puts fields in the place of those of the same name', () => {
    expect(replaceFields(['A', '1', 'B', '2'], { a: '3', C: '4' })).toEqual(['B', '2', 'a', '3', 'C', '4']);
  });
});

describe('addFields', () => {
  it('keeps what is there, and joins lists', () => {
    expect(addFields(['x-a', '1', 'vary', 'Accept'], ['X-A', '2', 'Vary', 'Origin', 'B', '3'])).toEqual([
      'x-a',
      '1',
      'vary',
      'Accept, Origin',
      'B',
      '3',
    ]);
  });
});

describe('hasField', () => {
  it.each([
    ['content-type', true],
    ['CONTENT-TYPE', true],
    ['text/plain', false],
  ])('%s: %s', (name, expected) => expect(hasField(['Content-Type', 'text/plain'], name)).toBe(expected));
});
