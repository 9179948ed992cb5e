import { runInNewContext } from 'node:vm';
import { checkOptions, type OptionTable, optionsOf } from './check-options.js';
import {
  functionSuchAs,
  httpUrl,
  listOf,
  milliseconds,
  millisecondsOrNever,
  oneOf,
  regularExpression,
  required,
  secret,
  textOf,
  trueOrFalse,
  wholeNumber,
  withMethods,
} from './option-kinds.js';

interface Options {
  folder: string;
  limit?: number;
  isOpen?: boolean;
  mode?: string;
  pattern?: RegExp;
  names?: string[];
  wait?: number;
  every?: number;
  url?: string;
  password?: string;
  hook?: () => void;
  log?: object;
  inner?: { depth?: number; deeper?: { flag?: boolean } };
}

const word = textOf("a word such as 'uploads'", (text) => /^\w+$/.test(text));
const TABLE: OptionTable<Options> = {
  folder: required(word),
  limit: wholeNumber({ least: 1, most: 10, unit: 'bytes' }),
  isOpen: trueOrFalse,
  mode: oneOf('crash', 'power-loss'),
  pattern: regularExpression('/a/'),
  names: listOf("a list of words, e.g. ['a']", word),
  wait: milliseconds,
  every: millisecondsOrNever,
  url: httpUrl('https://files.example.com/'),
  password: secret(word),
  hook: functionSuchAs('() => 1'),
  log: withMethods('an object with log', ['log'], ['debug']),
  inner: optionsOf(
    { depth: wholeNumber(), deeper: optionsOf({ flag: trueOrFalse }, { example: '{ flag: true }' }) },
    { example: '{ depth: 1 }', instead: { hoehe: 'inner.depth in metres' } },
  ),
};
const check = (given: unknown) =>
  checkOptions<Options>(given, TABLE, { owner: 'Shop: ', example: '{ folder }' });

/** The text of the error, which has to be a TypeError with one line. */
function refusal(given: unknown): string {
  try {
    check(given);
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    const { message } = error as TypeError;
    expect(message).not.toMatch(/[\r\n]/);
    expect(message.length).toBeLessThan(400);
    return message;
  }
  throw new Error('nothing was refused');
}

const throwing = () => {
  throw new Error('no');
};
const circular: Record<string, unknown> = {};
circular['self'] = circular;

describe('checkOptions', () => {
  it('answers what was given, without what is left out', () => {
    const given = {
      folder: 'a',
      limit: 10,
      isOpen: undefined,
      inner: { depth: 0, deeper: {} },
      names: ['b'],
    };
    expect(check(given)).toStrictEqual({
      folder: 'a',
      limit: 10,
      inner: { depth: 0, deeper: {} },
      names: ['b'],
    });
  });

  it('reads each option once, from getters and prototypes too', () => {
    let reads = 0;
    class Settings {
      get folder() {
        reads += 1;
        return 'a';
      }
      readonly limit = 3;
    }
    const read = check(new Settings());
    expect([read.folder, read.folder, read.limit, reads]).toEqual(['a', 'a', 3, 1]);
  });

  it('takes objects and expressions of another realm, and those without a prototype', () => {
    expect(check(runInNewContext("({ folder: 'a', pattern: /x/, names: ['b'] })")).names).toEqual(['b']);
    expect(check(Object.assign(Object.create(null), { folder: 'a' })).folder).toBe('a');
  });

  const wrongOnes: [unknown, string][] = [
    [undefined, 'Shop: the options are undefined: write { folder }'],
    [null, 'Shop: the options are null: write'],
    [false, 'Shop: the options are false: write'],
    [Number.NaN, 'Shop: the options are NaN: write'],
    ['a', 'Shop: the options are "a": write'],
    [[], 'Shop: the options are an array: write'],
    [new Map(), 'Shop: the options are a Map: write'],
    [Promise.resolve({}), 'Shop: the options are a Promise: write'],
    [() => ({}), 'Shop: the options are a function or class: write'],
    [Symbol('a\nb'), 'Shop: the options are Symbol("a\\nb"): write'],
    [10n, 'Shop: the options are 10n: write'],
    [new Proxy({}, { ownKeys: throwing }), 'Shop: the options object cannot be read: write { folder }'],
    [new Proxy({}, { get: throwing }), 'Shop: the options are an object: write'],
    [
      {
        folder: 'a',
        get limit() {
          return throwing();
        },
      },
      'Shop: limit cannot be read, its getter throws: write a whole',
    ],
    [{}, "Shop: folder is missing: write a word such as 'uploads'"],
    [{ folder: null }, "Shop: folder is null: write a word such as 'uploads', or leave it out"],
    [{ folder: new String('a') }, 'Shop: folder is a String: write a word'],
    [{ folder: 'x'.repeat(10_000) + '!' }, `Shop: folder is "${'x'.repeat(80)}…": write`],
    [{ folder: 'a\r\nb' }, 'Shop: folder is "a\\r\\nb": write'],
    [{ folder: circular }, 'Shop: folder is an object: write'],
    [{ folder: { toString: throwing, toJSON: throwing } }, 'Shop: folder is an object: write'],
    [{ folder: 'a', limit: '5' }, 'Shop: limit is "5": write a whole number of bytes from 1 to 10'],
    [{ folder: 'a', limit: 0 }, 'Shop: limit is 0: write'],
    [{ folder: 'a', limit: 11 }, 'Shop: limit is 11: write'],
    [{ folder: 'a', limit: 1.5 }, 'Shop: limit is 1.5: write'],
    [{ folder: 'a', limit: Number.NaN }, 'Shop: limit is NaN: write'],
    [{ folder: 'a', limit: Infinity }, 'Shop: limit is Infinity: write'],
    [{ folder: 'a', limit: 5n }, 'Shop: limit is 5n: write'],
    [{ folder: 'a', limit: [5] }, 'Shop: limit is an array: write'],
    [
      { folder: 'a', limit: null },
      'Shop: limit is null: write a whole number of bytes from 1 to 10, or leave it out',
    ],
    [{ folder: 'a', isOpen: 'false' }, 'Shop: isOpen is "false": write true or false'],
    [{ folder: 'a', isOpen: 0 }, 'Shop: isOpen is 0: write true or false'],
    [{ folder: 'a', mode: 'CRASH' }, `Shop: mode is "CRASH": write 'crash' or 'power-loss'`],
    [{ folder: 'a', pattern: 'a' }, 'Shop: pattern is "a": write a RegExp such as /a/'],
    [{ folder: 'a', names: 'a' }, 'Shop: names is "a": write a list of words'],
    [{ folder: 'a', names: ['a', 5] }, 'Shop: names[1] is 5: write a word'],
    [{ folder: 'a', names: ['a', , 'b'] }, 'Shop: names[1] is undefined: write a word'],
    [{ folder: 'a', wait: 0 }, 'Shop: wait is 0: write milliseconds, more than 0'],
    [{ folder: 'a', wait: 2 ** 31 }, 'Shop: wait is 2147483648: write'],
    [{ folder: 'a', wait: '10s' }, 'Shop: wait is "10s": write'],
    [{ folder: 'a', every: -1 }, 'Shop: every is -1: write milliseconds'],
    [{ folder: 'a', url: 'files.example.com' }, 'Shop: url is "files.example.com": write an absolute URL'],
    [{ folder: 'a', url: 'https://ada:s3cret@a.example/' }, 'Shop: url is "https://***@a.example/": write'],
    [
      { folder: 'a', url: 'https://a.example/?token=s3cret' },
      'Shop: url is "https://a.example/?token=***": write',
    ],
    [
      { folder: 'a', password: 's3cret!' },
      "Shop: password is not what it must be: write a word such as 'uploads'",
    ],
    [{ folder: 'a', hook: class Hook {} }, 'Shop: hook is a function or class: write a function such as'],
    [{ folder: 'a', log: { log: true } }, 'Shop: log is an object: write an object with log'],
    [{ folder: 'a', log: { log() {}, debug: true } }, 'Shop: log is an object: write'],
    [{ folder: 'a', log: new Proxy({}, { get: throwing }) }, 'Shop: log is an object: write'],
    [{ folder: 'a', inner: [] }, 'Shop: inner is an array: write { depth: 1 }'],
    [{ folder: 'a', inner: { depth: '1' } }, 'Shop: inner.depth is "1": write a whole number, 0 or more'],
    [{ folder: 'a', inner: { dpeth: 1 } }, 'Shop: inner.dpeth is unknown: write inner.depth, a whole number'],
    [{ folder: 'a', inner: { hoehe: 1 } }, 'Shop: inner.hoehe is unknown: write inner.depth in metres'],
    [{ folder: 'a', inner: { deeper: { flag: 1 } } }, 'Shop: inner.deeper.flag is 1: write true or false'],
    [
      { folder: 'a', inner: { deeper: { falg: true } } },
      'Shop: inner.deeper.falg is unknown: write inner.deeper.flag',
    ],
    [{ folder: 'a', Limit: 1 }, 'Shop: Limit is unknown: write limit, a whole number of bytes'],
    [{ folder: 'a', is_open: true }, 'Shop: is_open is unknown: write isOpen, true or false'],
    [{ folder: 'a', zebra: undefined }, 'Shop: zebra is unknown: write one of folder, limit'],
    [{ folder: 'a', constructor: 1 }, 'Shop: constructor is unknown: write one of'],
    [{ folder: 'a', toString: 1 }, 'Shop: toString is unknown: write one of'],
    [JSON.parse('{ "folder": "a", "__proto__": 1 }'), 'Shop: __proto__ is unknown: write one of'],
    [{ folder: 'a', 'a\nb': 1 }, 'Shop: "a\\nb" is unknown: write one of'],
    [{ folder: 'a', 'redis://:s3cret@host': 1 }, 'Shop: "redis://***@host" is unknown: write one of'],
  ];
  // By their texts: Jest cannot print all of these values.
  it.each(wrongOnes.map(([given, text]) => ({ text, given: () => given })))(
    'refuses: $text',
    ({ text, given }) => {
      expect(refusal(given())).toContain(text);
      expect(refusal(given())).not.toContain('s3cret');
    },
  );
});
