import { errors } from '@nestjs-tus/core';
import { MemoryBucket, type MemoryBucketOptions } from './testing/memory-bucket.js';
import { storeOn } from './testing/stores-in-memory.js';
import {
  appended,
  created,
  diesAfter,
  heldLock,
  removed,
  sleepsBefore,
  sourceOf,
  tailsIn,
  textOf,
  under,
} from './testing/uploads-in-memory.js';
import type { ObjectStore } from './object-store.js';

const TEXT = 'abcdefghijklmnopqrstuvw';
const SIZE = TEXT.length;
/** Upper case: what a holder sends that has lost its lock. */
const OTHER = Buffer.from(TEXT.toUpperCase());

/** What a process does with an upload under a lock: @returns the offset that it has acknowledged */
type Work = (store: ObjectStore, id: string) => Promise<number>;

const upTo =
  (end: number): Work =>
  (store, id) =>
    appended(store, id, Buffer.from(TEXT.slice(0, end)), heldLock(`t${end}`, 'before'));

const checkedUpTo =
  (end: number, verify: () => Promise<void>): Work =>
  (store, id) =>
    under(heldLock(`t${end}`, 'before'), async (context) => {
      const upload = await store.getUpload(id, context);
      const { offset } = await upload.getInfo(context);
      const source = sourceOf(Buffer.from(TEXT.slice(offset, end)));
      const verifiable = store.asVerifiableUpload(upload);
      const written = await verifiable.writeVerifiedChunk(offset, source, verify, context).catch(() => 0);
      if (offset + written === SIZE) await upload.finishUpload(context);
      return offset + written;
    });

const accept = () => Promise.resolve();
const refuse = () => Promise.reject(errors.checksumMismatch());

const terminate: Work = async (store, id) => {
  await removed(store, id, heldLock('removed', 'before'));
  return 0;
};

const BUCKETS: readonly (readonly [string, MemoryBucketOptions])[] = [
  ['a bucket that replaces records', {}],
  ['create-once records', { conditions: 'absence' }],
  ['random names', { names: 'random' }],
  ['an object of all pieces only', { wantsAllPieces: true }],
  ['an object of all pieces only, and create-once records', { wantsAllPieces: true, conditions: 'absence' }],
];

describe.each(BUCKETS)('on %s', (_name, options) => {
  let bucket: MemoryBucket;
  const newStore = () => storeOn(bucket.node());

  /** For each call of `work`: an upload that `begin` began, and the death of the process after that call. */
  async function atEachCall(
    begin: Work,
    work: Work,
    examine: (id: string, acknowledged: number) => Promise<void>,
  ): Promise<void> {
    for (let at = 1, goesOn = true; goesOn; at += 1) {
      bucket = new MemoryBucket(options);
      const node = bucket.node();
      const store = storeOn(node);
      const id = await created(store, { size: SIZE });
      let acknowledged = await begin(store, id);
      goesOn = await diesAfter(node, at, async () => (acknowledged = await work(store, id)));
      await examine(id, acknowledged);
    }
  }

  /** What was acknowledged is there, nothing is whole that is not, and the upload can be finished. */
  async function canBeFinished(id: string, acknowledged: number): Promise<void> {
    const store = newStore();
    const before = await textOf(store, id).catch(() => undefined);
    if (before !== undefined) expect(TEXT.startsWith(before)).toBe(true);
    const offset = await under(heldLock('t98', 't97', true), async (context) => {
      const info = await (await store.getUpload(id, context)).getInfo(context);
      return info.offset;
    });
    expect(offset).toBeGreaterThanOrEqual(acknowledged);
    await appended(store, id, Buffer.from(TEXT), heldLock('t99', 't98'));
    expect(await textOf(newStore(), id)).toBe(TEXT);
    expect(tailsIn(bucket)).toEqual([]);
  }

  async function leavesNothing(id: string): Promise<void> {
    await removed(newStore(), id, heldLock('t98', 't97', true)).catch(() => undefined);
    expect(bucket.keys().filter((key) => !/\.info-[0-9a-f]+$/.test(key))).toEqual([]);
    expect(bucket.openSessions).toBe(0);
  }

  it.each<[string, Work, Work]>([
    ['parts and tails', upTo(4), upTo(18)],
    ['the last bytes', upTo(12), upTo(SIZE)],
    ['a request with all bytes', upTo(0), upTo(SIZE)],
    ['verified bytes', upTo(4), checkedUpTo(SIZE, accept)],
    ['what was there before a chunk that is refused', upTo(4), checkedUpTo(18, refuse)],
  ])(
    'a process that dies at any of its calls keeps what it has acknowledged of %s',
    async (_of, begin, work) => {
      await atEachCall(begin, work, canBeFinished);
    },
  );

  it('a process that dies at any of its calls leaves nothing that a removal does not find', async () => {
    await atEachCall(upTo(14), terminate, leavesNothing);
    await atEachCall(upTo(12), upTo(SIZE), leavesNothing);
    await atEachCall(upTo(0), upTo(4), leavesNothing);
  });

  /** For each call of a request: its holder sleeps before it, another one does `meanwhile`, and the holder wakes up. */
  async function asleepAtEachCall(
    begin: Work,
    meanwhile: (store: ObjectStore, id: string) => Promise<unknown>,
    examine: (id: string) => Promise<void>,
  ): Promise<void> {
    for (let at = 1; ; at += 1) {
      bucket = new MemoryBucket(options);
      const node = bucket.node();
      const store = storeOn(node);
      const id = await created(store, { size: SIZE });
      await begin(store, id);
      const { asleep, wake } = sleepsBefore(node, at);
      const late = appended(store, id, OTHER, heldLock('t50', 'before')).catch((error: unknown) => error);
      const sleeps = await Promise.race([asleep, late.then(() => false)]);
      if (sleeps) await meanwhile(newStore(), id);
      wake();
      await late;
      if (!sleeps) return;
      await examine(id);
    }
  }

  it.each<[string, Work]>([
    ['nothing', upTo(0)],
    ['a tail', upTo(4)],
    ['parts', upTo(12)],
    ['parts and a tail', upTo(13)],
  ])(
    'a holder that sleeps at any of its calls, with %s, changes nothing when it wakes up',
    async (_has, begin) => {
      let before = 0;
      const finish = async (store: ObjectStore, id: string) => {
        await under(heldLock('t51', 't50', true), async (context) => {
          before = (await (await store.getUpload(id, context)).getInfo(context)).offset;
        });
        expect(await appended(store, id, Buffer.from(TEXT), heldLock('t52', 't51'))).toBe(SIZE);
      };
      await asleepAtEachCall(begin, finish, async (id) => {
        const text = await textOf(newStore(), id);
        expect(text.toLowerCase()).toBe(TEXT);
        expect(text.slice(before)).toBe(TEXT.slice(before));
      });
    },
  );

  it('a holder that sleeps at any of its calls, and wakes up between requests of the next one, replaces nothing', async () => {
    const goOn = (store: ObjectStore, id: string) =>
      appended(store, id, Buffer.from(TEXT.slice(0, 22)), heldLock('t51', 't50', true));
    await asleepAtEachCall(upTo(10), goOn, async (id) => {
      await appended(newStore(), id, Buffer.from(TEXT), heldLock('t52', 't51'));
      expect((await textOf(newStore(), id)).toLowerCase()).toBe(TEXT);
    });
  });

  it('a holder that sleeps at any of its calls does not bring back an upload that is removed', async () => {
    const remove = (store: ObjectStore, id: string) => removed(store, id, heldLock('t51', 't50', true));
    await asleepAtEachCall(upTo(12), remove, async (id) => {
      await expect(newStore().getUpload(id, {})).rejects.toMatchObject({ status: 404 });
      expect((await newStore().list({})).uploads).toEqual([]);
    });
  });
});
