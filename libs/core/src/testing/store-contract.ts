import assert from 'node:assert/strict';
import { ErrNotFound, ErrUploadExists } from '../errors.js';
import type { FileInfo } from '../file-info.js';
import type { DataStore } from '../store/data-store.js';
import { runner } from './runner.js';
import { type ChangeContent, describeFinished } from './store-contract-finished.js';
import { describeStoreExtensions } from './store-contract-extensions.js';
import {
  assertInfo,
  breakingAfter,
  contentOf,
  created,
  newInfo,
  offsetAfterReopening,
  refusedWith,
  sourceOf,
} from './store-contract-steps.js';

/** A store to be tested, empty. */
export interface StoreUnderTest {
  readonly store: DataStore;
  /** Absent where nothing but the store can change the content of an upload. */
  readonly changeContent?: ChangeContent;
  dispose?(): Promise<void>;
}

/**
 * What every store must do, and what it must do for each extension that it implements. Needs a runner with `describe`,
 * `it`, `beforeEach` and `afterEach` as globals.
 *
 * @param makeStore makes an empty store; called for every test
 *
 * @example
 * describeStoreContract('MyStore', async () => ({ store: new MyStore(await emptyBucket()) }));
 */
export function describeStoreContract(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  const { describe, beforeEach, afterEach } = runner();

  describe(`${name} (store contract)`, () => {
    let made: StoreUnderTest | undefined;
    beforeEach(async () => {
      made = await makeStore();
      await made.store.init?.();
    });
    afterEach(async () => {
      await made?.store.close?.();
      await made?.dispose?.();
    });
    const store = (): DataStore => {
      assert.ok(made, 'the store was made');
      return made.store;
    };

    describeCreation(store);
    describeInfos(store);
    describeChunks(store);
    describeReaders(store);
    describeFinished(store, () => made?.changeContent);
    describeStoreExtensions(store);
  });
}

function describeCreation(store: () => DataStore): void {
  const { describe, it } = runner();
  describe('creation', () => {
    it('creates an upload that is found by the id that it reports', async () => {
      const upload = await store().newUpload(newInfo(), {});
      const { id } = await upload.getInfo({});
      const found = await (await store().getUpload(id, {})).getInfo({});
      assertInfo(found, { ...newInfo(), id });
    });

    it('does not find an upload that was never created', async () => {
      await refusedWith(ErrNotFound, store().getUpload('nowhere', {}));
    });

    it('overwrites nothing', async () => {
      const { id } = await created(store(), 'first');
      const again = await store()
        .newUpload(newInfo({ id }), {})
        .then((upload) => upload.getInfo({}))
        .catch((error: unknown) => error);
      if (again instanceof Error) await refusedWith(ErrUploadExists, Promise.reject(again));
      else assert.notEqual((again as FileInfo).id, id, 'another upload gets another id');
      assert.equal(await contentOf(await store().getUpload(id, {})), 'first');
    });

    it('keeps uploads apart', async () => {
      const one = await created(store(), 'one', { id: 'a-1' });
      const other = await created(store(), 'other', { id: 'a-2' });
      assert.equal(await contentOf(await store().getUpload(one.id, {})), 'one');
      assert.equal(await contentOf(await store().getUpload(other.id, {})), 'other');
    });

    it('works when the context says that it is an operation, and ends it', async () => {
      const deferred: (() => void | Promise<void>)[] = [];
      const context = { defer: (work: () => void | Promise<void>) => void deferred.push(work) };
      const upload = await store().newUpload(newInfo({ size: 5 }), context);
      const { id } = await upload.getInfo(context);
      assert.equal(await upload.writeChunk(0, sourceOf('hello'), context), 5);
      assert.equal((await upload.getInfo(context)).offset, 5);
      await upload.finishUpload(context);
      for (const work of deferred.reverse()) await work();
      assert.equal(await contentOf(await store().getUpload(id, {})), 'hello');
    });
  });
}

function describeInfos(store: () => DataStore): void {
  const { describe, it } = runner();
  const roundTrip = async (fields: Partial<FileInfo>) => {
    const { id } = await (await store().newUpload(newInfo(fields), {})).getInfo({});
    return { id, info: await (await store().getUpload(id, {})).getInfo({}) };
  };

  describe('infos', () => {
    it('keeps every field', async () => {
      const fields: Partial<FileInfo> = {
        size: 2 ** 40,
        metaDataHeader: 'filename dw==,  empty',
        isPartial: true,
        concatHeader: 'partial',
        createdAt: new Date('2024-02-29T12:34:56.789Z'),
        expiresAt: new Date('2124-02-29T00:00:00.001Z'),
        protocol: 'ietf',
        digests: { expected: 'sha-256=:AAAA:', wanted: 'sha-512=1' },
        state: 'receiving',
        context: { owner: 'ada', tags: ['a', null, 1.5, true, { deep: {} }] },
        maxSize: 2 ** 41,
        pendingFinals: ['final-1', 'final-2'],
        answer: { statusCode: 422, header: { 'X-Reason': 'virus' }, body: 'no' },
      };
      const { id, info } = await roundTrip(fields);
      assertInfo(info, { ...newInfo(fields), id });
    });

    it('keeps which partial uploads a final one consists of, in order', async () => {
      const fields = {
        isFinal: true,
        partialUploads: ['b', 'a', 'b'],
        concatHeader: 'final;/files/b /files/a /files/b',
      };
      const { id, info } = await roundTrip(fields);
      assertInfo(info, { ...newInfo(fields), id });
    });

    it('keeps metadata of any text', async () => {
      const metaData = Object.fromEntries([
        ['filename', '世界 🌍 é\u0000\n"\\'],
        ['empty', ''],
        ['constructor', 'x'],
        ['__proto__', 'y'],
        ['toString', 'z'],
      ]);
      const { info } = await roundTrip({ metaData });
      assert.deepEqual(Object.entries(info.metaData).sort(), Object.entries(metaData).sort());
    });

    it('leaves absent what was absent', async () => {
      const { info } = await roundTrip({});
      const { expiresAt, state, context, answer, metaDataHeader, maxSize, protocol, digests } = info;
      for (const field of [expiresAt, state, context, answer, metaDataHeader, maxSize, protocol, digests]) {
        assert.equal(field, undefined);
      }
    });
  });
}

function describeChunks(store: () => DataStore): void {
  const { describe, it } = runner();
  describe('chunks', () => {
    it('appends chunk after chunk, by the same upload and by another', async () => {
      const { id, upload } = await created(store(), '', { size: 11 });
      assert.equal(await upload.writeChunk(0, sourceOf('he', 'llo'), {}), 5);
      assert.equal((await upload.getInfo({})).offset, 5);
      const reopened = await store().getUpload(id, {});
      assert.equal((await reopened.getInfo({})).offset, 5);
      assert.equal(await reopened.writeChunk(5, sourceOf(' world'), {}), 6);
      assert.equal(await contentOf(await store().getUpload(id, {})), 'hello world');
    });

    it('stores nothing of an empty chunk', async () => {
      const { id, upload } = await created(store(), 'abc', { size: 6 });
      assert.equal(await upload.writeChunk(3, sourceOf(), {}), 0);
      assert.equal(await offsetAfterReopening(store(), id), 3);
    });

    it('keeps what arrived when the source breaks', async () => {
      const { id, upload } = await created(store(), '', { size: 100 });
      assert.equal(await upload.writeChunk(0, breakingAfter('01234'), {}), 5);
      assert.equal(await offsetAfterReopening(store(), id), 5);
      await (await store().getUpload(id, {})).writeChunk(5, sourceOf('56789'), {});
      assert.equal(await contentOf(await store().getUpload(id, {})), '0123456789');
    });

    it('keeps what arrived when the source is destroyed without an error', async () => {
      const { id, upload } = await created(store(), '', { size: 100 });
      const source = sourceOf('01234', () => source.destroy());
      assert.equal(await upload.writeChunk(0, source, {}), 5);
      assert.equal(await offsetAfterReopening(store(), id), 5);
    });

    it('keeps every byte of a large chunk of uneven pieces', async () => {
      const pieces = Array.from({ length: 3_000 }, (_, index) => Buffer.alloc((index * 37) % 2_500, index));
      const whole = Buffer.concat(pieces);
      const { id, upload } = await created(store(), '', { size: whole.length });
      assert.equal(await upload.writeChunk(0, sourceOf(...pieces), {}), whole.length);
      const kept = Buffer.from(await contentOf(await store().getUpload(id, {}), 'latin1'), 'latin1');
      assert.ok(kept.equals(whole), 'the content is the one that was sent');
    });
  });
}

function describeReaders(store: () => DataStore): void {
  const { describe, it } = runner();
  describe('readers', () => {
    it('read the whole', async () => {
      const { upload } = await created(store(), 'hello world');
      assert.equal(await contentOf(upload), 'hello world');
    });

    for (const [start, end, expected] of [
      [0, 0, 'h'],
      [0, 4, 'hello'],
      [6, 10, 'world'],
      [10, 10, 'd'],
    ] as const) {
      it(`read the range ${start}-${end}`, async () => {
        const { upload } = await created(store(), 'hello world');
        assert.equal(await contentOf(upload, 'utf8', { start, end }), expected);
      });
    }

    it('give nothing of an empty upload', async () => {
      const { upload } = await created(store(), '', { size: 0 });
      assert.equal(await contentOf(upload), '');
    });

    it('may be left before their end', async () => {
      const { upload } = await created(store(), 'x'.repeat(300_000));
      const reader = await upload.getReader({});
      for await (const chunk of reader) {
        assert.ok((chunk as Buffer).length > 0);
        break;
      }
      assert.ok(reader.destroyed);
      assert.equal((await contentOf(upload)).length, 300_000);
    });
  });
}
