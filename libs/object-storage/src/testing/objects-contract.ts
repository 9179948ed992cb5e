import assert from 'node:assert/strict';
import type { ListPosition, Objects } from '../objects.js';
import { Changed, Conflict, Missing } from '../problems.js';
import {
  type BackendUnderTest,
  breaking,
  bytesIn,
  isOneOf,
  ownerOf,
  rejectsWith,
  streamed,
  wholeOf,
} from './contract-steps.js';
import { runner } from './runner.js';

/** Names that a service could take for something else in its URLs, lists and headers. */
const ODD_NAMES = [
  'a b',
  'a+b',
  'a%20b',
  'ä',
  'ä/ö',
  '#',
  '?x=1',
  '&',
  "'",
  '"',
  '<a>',
  '..a',
  '日本',
  '😀',
  'A',
  'a',
];
const RIVALS = 12;

type Body = (objects: Objects, prefix: string) => Promise<void>;
type Test = (behaviour: string, body: Body) => void;

/**
 * The tests that every `Objects` passes. `makeBackend` is called for each.
 *
 * @example
 * describeObjectsContract('MyObjects', async () => ({ ...(await openBucket()), prefix: newPrefix() }));
 */
export function describeObjectsContract(name: string, makeBackend: () => Promise<BackendUnderTest>): void {
  const { describe, it } = runner();
  const test: Test = (behaviour, body) =>
    it(behaviour, async () => {
      const backend = await makeBackend();
      try {
        await body(backend.objects, backend.prefix);
      } finally {
        await backend.dispose?.();
      }
    });

  describe(`${name} keeps the contract of objects:`, () => {
    describeReading(test);
    describeConditions(test);
    describeContent(test);
    describeHeads(test);
    describeLists(test);
  });
}

function describeReading(test: Test): void {
  test('reads what was put, and its version', async (objects, prefix) => {
    const key = `${prefix}text`;
    const first = await objects.put(key, 'first, ä');
    assert.deepEqual(await objects.read(key), { text: 'first, ä', version: first });
    assert.equal(await objects.read(key, first), 'unchanged');
    const second = await objects.put(key, 'second');
    assert.notEqual(second, first);
    assert.deepEqual(await objects.read(key, first), { text: 'second', version: second });
  });

  test('says that there is no such object', async (objects, prefix) => {
    await rejectsWith(Missing, objects.read(`${prefix}none`));
    await rejectsWith(Missing, objects.read(`${prefix}none`, await objects.put(`${prefix}other`, 'x')));
    await rejectsWith(Missing, objects.open(`${prefix}none`, { start: 0, end: 1 }));
    assert.equal(await objects.head(`${prefix}none`), undefined);
    await objects.remove(`${prefix}none`);
  });

  test('removes an object, and no other', async (objects, prefix) => {
    for (const name of ['a', 'ab', 'a/b']) await objects.put(`${prefix}${name}`, name);
    await objects.remove(`${prefix}a`);
    await rejectsWith(Missing, objects.read(`${prefix}a`));
    await objects.remove(`${prefix}a`);
    assert.equal((await wholeOf(objects, `${prefix}ab`)).toString(), 'ab');
    assert.equal((await wholeOf(objects, `${prefix}a/b`)).toString(), 'a/b');
  });

  test('keeps keys apart, whatever they are made of', async (objects, prefix) => {
    for (const name of ODD_NAMES) await objects.put(`${prefix}${name}`, `of ${name}`);
    for (const name of ODD_NAMES) {
      const found = await objects.read(`${prefix}${name}`);
      assert.equal(found !== 'unchanged' && found.text, `of ${name}`);
    }
    const direct = ODD_NAMES.filter((name) => !name.includes('/'));
    assert.deepEqual((await namesBelow(objects, prefix)).sort(), direct.sort());
    for (const name of ODD_NAMES) await objects.remove(`${prefix}${name}`);
    assert.deepEqual((await objects.list(prefix, {})).keys, []);
  });
}

function describeConditions(test: Test): void {
  test('replaces nothing that must not be there', async (objects, prefix) => {
    const key = `${prefix}once`;
    const version = await objects.put(key, 'first', { unless: 'exists' });
    await rejectsWith(Changed, objects.put(key, 'second', { unless: 'exists' }));
    assert.deepEqual(await objects.read(key), { text: 'first', version });
  });

  test('lets one of many create an object', async (objects, prefix) => {
    await assertOneWins(objects, `${prefix}race`, (text) =>
      objects.put(`${prefix}race`, text, { unless: 'exists' }),
    );
  });

  test('replaces an object only if it is unchanged, where it promises that', async (objects, prefix) => {
    if (objects.conditions === 'absence') return;
    const key = `${prefix}record`;
    const other = await objects.put(`${key}2`, 'another');
    await assert.rejects(objects.put(key, 'x', { ifVersion: other }), (error) =>
      isOneOf([Missing, Changed], error),
    );
    const first = await objects.put(key, 'first');
    const second = await objects.put(key, 'second', { ifVersion: first });
    await rejectsWith(Changed, objects.put(key, 'third', { ifVersion: first }));
    assert.deepEqual(await objects.read(key), { text: 'second', version: second });
    await assertOneWins(objects, key, (text) => objects.put(key, text, { ifVersion: second }));
  });
}

async function assertOneWins(
  objects: Objects,
  key: string,
  put: (text: string) => Promise<string>,
): Promise<void> {
  const texts = Array.from({ length: RIVALS }, (_, index) => `rival ${index}`);
  const answers = await Promise.allSettled(texts.map(put));
  const winners = texts.filter((_, index) => answers[index]?.status === 'fulfilled');
  assert.equal(winners.length, 1);
  for (const answer of answers) {
    if (answer.status === 'rejected') isOneOf([Changed, Conflict], answer.reason);
  }
  assert.equal((await wholeOf(objects, key)).toString(), winners[0]);
}

function describeContent(test: Test): void {
  test('stores content from memory and from a stream', async (objects, prefix) => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
    await objects.put(`${prefix}memory`, bytes);
    await objects.put(`${prefix}stream`, streamed(bytes));
    await objects.put(`${prefix}empty`, Buffer.alloc(0));
    assert.ok((await wholeOf(objects, `${prefix}memory`)).equals(bytes));
    assert.ok((await wholeOf(objects, `${prefix}stream`)).equals(bytes));
    assert.deepEqual(await objects.head(`${prefix}empty`), { size: 0, attempt: undefined });
  });

  test('passes on why its content broke, and stores nothing', async (objects, prefix) => {
    const error = new RangeError('a tail is gone');
    await assert.rejects(
      objects.put(`${prefix}broken`, breaking(100_000, error)),
      (given) => given === error,
    );
    assert.equal(await objects.head(`${prefix}broken`), undefined);
  });

  test('does not begin to store what is not wanted any more', async (objects, prefix) => {
    const put = objects.put(`${prefix}late`, Buffer.from('late'), { signal: AbortSignal.abort() });
    await assert.rejects(put);
    assert.equal(await objects.head(`${prefix}late`), undefined);
  });

  test('gives exactly the bytes of a range', async (objects, prefix) => {
    const key = `${prefix}range`;
    await objects.put(key, '0123456789');
    assert.equal((await bytesIn(objects, key, 0, 0)).toString(), '0');
    assert.equal((await bytesIn(objects, key, 3, 6)).toString(), '3456');
    assert.equal((await bytesIn(objects, key, 9, 9)).toString(), '9');
  });

  test('does not give fewer bytes for all that were asked for', async (objects, prefix) => {
    const key = `${prefix}short`;
    await objects.put(key, '01234');
    await assert.rejects(bytesIn(objects, key, 0, 9));
  });

  test('lets go of an object that is not read, or not to its end', async (objects, prefix) => {
    const key = `${prefix}left`;
    await objects.put(key, Buffer.alloc(1_000_000));
    const unread = await objects.open(key, { start: 0, end: 999_999 });
    await unread.return?.();
    const begun = await objects.open(key, { start: 0, end: 999_999 });
    assert.equal((await begun.next()).done, false);
    await begun.return?.();
  });
}

function describeHeads(test: Test): void {
  test('says which attempt made the object of an upload', async (objects, prefix) => {
    const key = `${prefix}object`;
    const owner = ownerOf('upload-1');
    await objects.put(key, Buffer.from('hello'), { owner, unless: 'exists' });
    assert.deepEqual(await objects.head(key), { size: 5, attempt: owner.attempt });
    await objects.put(key, 'another application’s');
    assert.equal((await objects.head(key))?.attempt, undefined);
  });
}

function describeLists(test: Test): void {
  test('lists what is directly below a prefix, in order', async (objects, prefix) => {
    const names = ['b', 'a', 'a.info', 'a.tail-1', 'c/d', 'Z', 'ä'];
    for (const name of names) await objects.put(`${prefix}${name}`, name);
    assert.deepEqual(await namesBelow(objects, prefix), ['Z', 'a', 'a.info', 'a.tail-1', 'b', 'ä']);
    assert.deepEqual(await namesBelow(objects, `${prefix}a.`), ['info', 'tail-1']);
  });

  test('goes on where a page ended, or after a key', async (objects, prefix) => {
    const names = ['a', 'b', 'b/x', 'c', 'd', 'e'];
    for (const name of names) await objects.put(`${prefix}${name}`, name);
    for (const limit of [1, 2, 3, undefined]) {
      assert.deepEqual(await namesBelow(objects, prefix, limit), ['a', 'b', 'c', 'd', 'e']);
      const after = `${prefix}b`;
      assert.deepEqual(await namesBelow(objects, prefix, limit, { after }), ['c', 'd', 'e']);
    }
  });

  test('shows in a list whether an object has changed', async (objects, prefix) => {
    const versionOf = async () => (await objects.list(`${prefix}a`, {})).keys[0]?.version;
    await objects.put(`${prefix}a`, 'first');
    const first = await versionOf();
    assert.equal(await versionOf(), first);
    await objects.put(`${prefix}a`, 'second');
    assert.notEqual(await versionOf(), first);
  });
}

/** What follows the prefix in the keys of all pages. */
async function namesBelow(
  objects: Objects,
  prefix: string,
  limit?: number,
  start: ListPosition = {},
): Promise<string[]> {
  const names: string[] = [];
  for (let from: ListPosition | undefined = start; from;) {
    const { keys, next }: Awaited<ReturnType<Objects['list']>> = await objects.list(prefix, from, limit);
    names.push(...keys.map(({ key }) => key.slice(prefix.length)));
    // A service may forget its word for the position; the last key does as well.
    from = next && (names.length % 2 === 0 || next.after === undefined ? next : { after: next.after });
  }
  return names;
}
