import { circular, deeplyNested, throwingProxy, withThrowingGetters } from './objects.mjs';
import { oddResponse } from './responses.mjs';

const IDS = [
  '',
  '.',
  '..',
  '...',
  '.hidden',
  '../up',
  '../../up',
  '/root',
  'a/b',
  'a/b/c/d/e/f/g/h/i/j',
  'a//b',
  'a/',
  '/',
  'a\\b',
  'a b',
  'x'.repeat(128),
  'x'.repeat(129),
  'x'.repeat(300),
  '%2e%2e',
  'a%2Fb',
  'имя',
  '报告',
  'é',
  '\ud800',
  'a\0b',
  'a\r\nb',
  'a?b',
  'a#b',
  'a;b',
  'a:b',
  'a@b',
  '.tus',
  '.locks',
  'x.info',
  'x.lock',
  'x.INFO',
  'con',
  '__proto__',
  'constructor',
  'fixed',
  '~',
  '-',
  42,
  null,
  true,
  {},
  [],
  ['a'],
  Symbol('x'),
  10n,
];

const META_DATA = [
  () => ({ filename: 'a.txt' }),
  () => ({}),
  () => ({ имя: 'x' }),
  () => ({ 文件名: '报告.pdf' }),
  () => ({ 'a b': 'c' }),
  () => ({ '': 'x' }),
  () => ({ 'a,b': 'c' }),
  () => ({ 'a\r\nb': 'c' }),
  () => ({ filename: '报告.pdf' }),
  () => ({ filename: 'a\r\nb\0.pdf', filetype: 'text/html\r\nX-Injected: yes' }),
  () => ({ filename: 'a\\b"c.txt', filetype: 'имя/имя' }),
  () => ({ a: '\ud800' }),
  () => ({ a: 5 }),
  () => ({ a: null }),
  () => ({ a: undefined }),
  () => ({ a: {} }),
  () => ({ a: Symbol('x') }),
  () => ({ a: 'x'.repeat(50_000) }),
  () => Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`k${index}`, 'v'])),
  () => JSON.parse('{ "__proto__": "x" }'),
  () => null,
  () => 'filename YQ==',
  () => ['a'],
  () => new Map([['a', 'b']]),
  () => 5,
  () => withThrowingGetters('a'),
  throwingProxy,
];

const CONTEXTS = [
  () => ({ owner: 'ada' }),
  () => null,
  () => 'text',
  () => 10n,
  () => ({ big: 10n }),
  () => NaN,
  () => undefined,
  () => () => 'x',
  () => Symbol('x'),
  () => new Date(NaN),
  () => new Map([['a', 'b']]),
  () => '\ud800',
  () => ({ toJSON: () => undefined }),
  () => ({
    toJSON() {
      throw new Error('toJSON was not meant to be called');
    },
  }),
  () => deeplyNested(100),
  () => deeplyNested(20_000),
  () => 'x'.repeat(100_000),
  circular,
  throwingProxy,
];

const DATES = [
  () => new Date(NaN),
  () => new Date(0),
  () => new Date(8.64e15),
  () => new Date(-8.64e15),
  () => new Date(Date.now() + 1_000),
  () => new Date(Date.now() - 1_000),
  () => Date.now() + 1_000,
  () => 'tomorrow',
  () => null,
  () => ({}),
  throwingProxy,
];

const SIZES = [NaN, -1, 0, 1, 10, 1.5, Infinity, -Infinity, 1e300, 2 ** 53, '5', '', null, {}, 10n];

const STORAGES = [
  () => ({ path: 'below/it' }),
  () => ({ path: `below/${Math.random()}` }),
  () => ({ path: '../beside' }),
  () => ({ path: '' }),
  () => ({ path: '.' }),
  () => ({ path: 'a\0b' }),
  () => ({ path: 'x.info' }),
  () => ({ path: '.locks/x' }),
  () => ({ path: 'x'.repeat(5_000) }),
  () => ({ path: 5 }),
  () => ({ Path: 'below/it' }),
  () => ({ other: 'x' }),
  () => null,
  () => 'x',
  throwingProxy,
];

/** What a hook returns. */
export function oddResult(random) {
  if (random.chance(0.1)) return random.pick(RESULTS)();
  const result = {};
  if (random.chance(0.6)) result.changes = oddChanges(random);
  if (random.chance(0.5)) result.response = oddResponse(random);
  return result;
}

const RESULTS = [
  () => null,
  () => true,
  () => 5,
  () => 'no',
  () => [],
  () => () => 'x',
  () => Symbol('x'),
  () => ({ status: 403 }),
  () => withThrowingGetters('changes'),
  () => withThrowingGetters('response'),
  () => withThrowingGetters('then'),
  () => ({ then: 'x' }),
  throwingProxy,
];

function oddChanges(random) {
  if (random.chance(0.05)) return random.pick([null, 5, 'x', [], throwingProxy(), withThrowingGetters('id')]);
  const changes = {};
  if (random.chance(0.35))
    changes.id = random.chance(0.3) ? `chosen-${random.below(1_000)}` : random.pick(IDS);
  if (random.chance(0.35)) changes.metaData = random.pick(META_DATA)();
  if (random.chance(0.2)) changes.context = random.pick(CONTEXTS)();
  if (random.chance(0.2)) changes.expiresAt = random.pick(DATES)();
  if (random.chance(0.2)) changes.maxSize = random.pick(SIZES);
  if (random.chance(0.15)) changes.storage = random.pick(STORAGES)();
  if (random.chance(0.05)) changes.size = 5;
  return changes;
}
