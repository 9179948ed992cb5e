import assert from 'node:assert/strict';
import type { Backend, Part, Target } from '../assembly.js';
import type { Content } from '../objects.js';
import { Changed, Missing, PiecesRefused, SessionGone } from '../problems.js';
import {
  type BackendUnderTest,
  breaking,
  filled,
  isOneOf,
  ownerOf,
  rejectsWith,
  streamed,
  wholeOf,
} from './contract-steps.js';
import { runner } from './runner.js';

type Body = (made: Making, backend: Backend) => Promise<void>;
type Test = (behaviour: string, body: Body) => void;

/** A session for an object, and short names for what is done in it. */
interface Making {
  readonly key: string;
  /** Bytes of the smallest piece. */
  readonly size: number;
  readonly target: Target;
  begin(): Promise<Target>;
  store(number: number, content: Content, target?: Target): Promise<Part>;
}

const owner = ownerOf('upload-1');

/**
 * The tests that every `Assembly` passes. `makeBackend` is called for each. Pieces have the smallest size that its rules allow.
 *
 * @example
 * describeAssemblyContract('MyAssembly', async () => ({ ...(await openBucket()), prefix: newPrefix() }));
 */
export function describeAssemblyContract(name: string, makeBackend: () => Promise<BackendUnderTest>): void {
  const { describe, it } = runner();
  const test: Test = (behaviour, body) =>
    it(behaviour, async () => {
      const backend = await makeBackend();
      try {
        await body(await making(backend), backend);
      } finally {
        await backend.dispose?.();
      }
    });

  describe(`${name} keeps the contract of an assembly:`, () => {
    describeObjects(test);
    describeCopies(test);
    describeStrays(test);
    describeEnds(test);
  });
}

async function making({ assembly, prefix }: BackendUnderTest): Promise<Making> {
  const key = `${prefix}ä+ b`;
  const begin = async () => ({ key, session: kept(await assembly.begin(key, owner)) });
  const target = await begin();
  return {
    key,
    size: assembly.rules.minPiece,
    target,
    begin,
    store: async (number, content, at = target) => {
      const { length: size } = Buffer.isBuffer(content) ? content : { length: content.size };
      return { number, size, piece: kept(await assembly.store(at, number, content)) };
    },
  };
}

/** As the record keeps it. */
function kept<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function describeObjects(test: Test): void {
  test('makes an object of pieces in the order of their numbers', async (made, { objects, assembly }) => {
    const { key, size, target, store } = made;
    const last = await store(9, filled('c', 1));
    const first = await store(1, filled('a', size));
    const second = await store(4, streamed(filled('b', size)));
    assert.equal(await objects.head(key), undefined);
    await assembly.complete(target, [first, second, last], {});
    assert.deepEqual(await objects.head(key), { size: 2 * size + 1, attempt: owner.attempt });
    const bytes = Buffer.concat([filled('a', size), filled('b', size), filled('c', 1)]);
    assert.ok((await wholeOf(objects, key)).equals(bytes));
  });

  test('replaces no object that must not be there, where it knows that', async (made, {
    objects,
    assembly,
  }) => {
    const { key, target, store } = made;
    await objects.put(key, 'another upload’s');
    const parts = [await store(1, filled('a', 1))];
    const isRefused = await assembly.complete(target, parts, { unless: 'exists' }).then(
      () => false,
      (error: unknown) => error instanceof Changed,
    );
    assert.equal((await wholeOf(objects, key)).toString(), isRefused ? 'another upload’s' : 'a');
  });

  test('keeps sessions for the same key apart', async (made, { objects, assembly }) => {
    const { key, target, begin, store } = made;
    const other = await begin();
    const parts = [await store(1, filled('a', 1))];
    const others = [await store(1, filled('b', 1), other)];
    await assembly.complete(target, parts, {});
    assert.equal((await wholeOf(objects, key)).toString(), 'a');
    await assembly.complete(other, others, {});
    assert.equal((await wholeOf(objects, key)).toString(), 'b');
  });

  test('passes on why the content of a piece broke', async ({ size, store }) => {
    const error = new RangeError('a tail is gone');
    await assert.rejects(store(1, breaking(size, error)), (given) => given === error);
  });
}

function describeCopies(test: Test): void {
  test('makes pieces of ranges of objects, where it copies', async (made, { objects, assembly }) => {
    const { key, size, target, store } = made;
    if (!assembly.copy) return;
    const source = `${key} source`;
    const bytes = Buffer.concat([filled('x', 3), filled('y', size), filled('z', 3)]);
    await objects.put(source, bytes);
    const range = { start: 2, end: 2 + size };
    const piece = kept(await assembly.copy(target, 1, { key: source, range }));
    const parts = [{ number: 1, size: size + 1, piece }, await store(2, filled('!', 1))];
    await assembly.complete(target, parts, {});
    const expected = Buffer.concat([bytes.subarray(2, size + 3), filled('!', 1)]);
    assert.ok((await wholeOf(objects, key)).equals(expected));
    assert.ok((await wholeOf(objects, source)).equals(bytes));
  });

  test('says that there is nothing to copy', async ({ key, target }, { assembly }) => {
    if (!assembly.copy) return;
    const source = { key: `${key} none`, range: { start: 0, end: 9 } };
    await rejectsWith(Missing, assembly.copy(target, 1, source));
  });
}

function describeStrays(test: Test): void {
  test('keeps a late piece from replacing one that counts, or has numbers for that', async (made, backend) => {
    const { objects, assembly } = backend;
    const { key, size, target, store } = made;
    const counted = await store(1, filled('a', size));
    const late = await store(1, filled('b', size));
    const isReplaced = assembly.names === 'windowed';
    const end = await store(2, filled('c', 1));
    const [right, wrong] = isReplaced ? [late, counted] : [counted, late];
    if (isReplaced) await rejectsWith(PiecesRefused, assembly.complete(target, [wrong, end], {}));
    await assembly.complete(target, [right, end], {});
    const expected = Buffer.concat([filled(isReplaced ? 'b' : 'a', size), filled('c', 1)]);
    assert.ok((await wholeOf(objects, key)).equals(expected));
  });

  test('leaves out pieces that do not count, or lists all of them', async (made, { objects, assembly }) => {
    const { key, size, target, store } = made;
    const all: Part[] = [];
    for (const [index, letter] of ['a', 'b', 'c'].entries())
      all.push(await store(index + 1, filled(letter, size)));
    const counted = all.filter(({ number }) => number !== 2);
    const leavesOut = await assembly.complete(target, counted, {}).then(
      () => true,
      (error: unknown) => !isOneOf([PiecesRefused], error),
    );
    if (!leavesOut) {
      assert.deepEqual(await assembly.list?.(target), all);
      await assembly.complete(target, all, {});
    }
    const letters = leavesOut ? ['a', 'c'] : ['a', 'b', 'c'];
    const expected = Buffer.concat(letters.map((letter) => filled(letter, size)));
    assert.ok((await wholeOf(objects, key)).equals(expected));
  });

  test('refuses pieces of another session, and changes nothing', async (made, { objects, assembly }) => {
    const { key, target, begin, store } = made;
    const other = await begin();
    const own = await store(1, filled('a', 1));
    const foreign = await store(1, filled('b', 1), other);
    await rejectsWith(PiecesRefused, assembly.complete(target, [foreign], {}));
    assert.equal(await objects.head(key), undefined);
    await assembly.complete(target, [own], {});
    assert.equal((await wholeOf(objects, key)).toString(), 'a');
  });
}

function describeEnds(test: Test): void {
  const isGone = (error: unknown) => isOneOf([SessionGone], error);

  test('changes nothing when it is called for a session that has been completed', async (made, backend) => {
    const { objects, assembly } = backend;
    const { key, target, store } = made;
    const parts = [await store(1, filled('a', 1))];
    await assembly.complete(target, parts, {});
    // A service may take it for the same call again, and a piece that counts nowhere.
    await assembly.complete(target, parts, {}).catch(isGone);
    await store(2, filled('b', 1)).catch(isGone);
    await assembly.discard(target, parts);
    assert.deepEqual(await objects.head(key), { size: 1, attempt: owner.attempt });
    assert.equal((await wholeOf(objects, key)).toString(), 'a');
  });

  test('says that a session is over when it has been discarded', async (made, { objects, assembly }) => {
    const { key, target, store } = made;
    const parts = [await store(1, filled('a', 1))];
    await assembly.discard(target, parts);
    await rejectsWith(SessionGone, store(2, filled('b', 1)));
    await rejectsWith(SessionGone, assembly.complete(target, parts, {}));
    await assembly.discard(target, parts);
    assert.equal(await objects.head(key), undefined);
  });

  test('does not begin to store a piece that is not wanted any more', async (made, { assembly }) => {
    const late = assembly.store(made.target, 1, filled('a', 1), AbortSignal.abort());
    await assert.rejects(late);
  });
}
