import { readBoolean, readDictionary, readInteger } from './structured-fields.js';

describe('an Integer', () => {
  it.each([
    ['0', 0],
    ['5', 5],
    ['-0', 0],
    ['5;a=b', 5],
    [' 5 ', 5],
    ['999999999999999', 999_999_999_999_999],
  ])('%j is %d', (field, value) => {
    expect(readInteger(field)).toBe(value);
  });

  it.each(['', '-1', '5.0', '5.', '"5"', '?1', '5, 5', '5 5', '0x5', 'five', '1000000000000000', '+5'])(
    '%j is ignored',
    (field) => {
      expect(readInteger(field)).toBeUndefined();
    },
  );

  it('sent twice is ignored', () => {
    expect(readInteger(['5', '5'])).toBeUndefined();
  });

  it('is undefined when there is none', () => {
    expect(readInteger(undefined)).toBeUndefined();
  });
});

describe('a Boolean', () => {
  it.each([
    ['?0', false],
    ['?1', true],
    ['?1;q=0', true],
  ])('%j is %s', (field, value) => {
    expect(readBoolean(field)).toBe(value);
  });

  it.each(['', 'true', '1', '?2', '?', '?1, ?1', '"?1"'])('%j is ignored', (field) => {
    expect(readBoolean(field)).toBeUndefined();
  });
});

describe('a Dictionary', () => {
  it('has its Items, the last of two with the same key', () => {
    expect(readDictionary('a=1, b=?0, c, d=(1 2), a=2')).toEqual(
      new Map<string, unknown>([
        ['a', 2],
        ['b', false],
        ['c', true],
      ]),
    );
  });

  it.each(['a=1,', 'A=1', 'a=', 'a b'])('%j is ignored as a whole', (field) => {
    expect(readDictionary(field)).toBeUndefined();
  });
});
