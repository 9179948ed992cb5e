import assert from 'node:assert/strict';
import { errors, ErrChecksumMismatch, ErrNotFound } from '../errors.js';
import type { FileInfo } from '../file-info.js';
import type {
  ConcaterDataStore,
  DataStore,
  LengthDeferrerDataStore,
  ListerDataStore,
  ListFilter,
  TerminaterDataStore,
  UpdaterDataStore,
  Upload,
  VerifierDataStore,
} from '../store/data-store.js';
import { runner } from './runner.js';
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

type Implementing<Extension> = DataStore & Extension;

/** Tests of an extension; where the store has not got it, they have nothing to say. */
function describeExtension<Extension extends object>(
  name: string,
  method: keyof Extension & string,
  store: () => DataStore,
  tests: Readonly<Record<string, (store: Implementing<Extension>) => Promise<void>>>,
): void {
  const { describe, it } = runner();
  describe(name, () => {
    for (const [behaviour, test] of Object.entries(tests)) {
      it(behaviour, async () => {
        const tested = store();
        if (hasMethod<Extension>(tested, method)) await test(tested);
      });
    }
  });
}

function hasMethod<Extension extends object>(
  store: DataStore,
  method: keyof Extension & string,
): store is Implementing<Extension> {
  return method in store;
}

export function describeStoreExtensions(store: () => DataStore): void {
  describeDeferredLength(store);
  describeTermination(store);
  describeConcatenation(store);
  describeVerification(store);
  describeUpdates(store);
  describeListing(store);
}

function describeDeferredLength(store: () => DataStore): void {
  describeExtension<LengthDeferrerDataStore>('deferred length', 'asLengthDeclarableUpload', store, {
    'takes bytes before the length is known, and keeps the length when it is': async (tested) => {
      const { id, upload } = await created(tested, '', { size: 0, sizeIsDeferred: true });
      assert.equal(await upload.writeChunk(0, sourceOf('hello'), {}), 5);
      assert.equal((await (await tested.getUpload(id, {})).getInfo({})).sizeIsDeferred, true);
      await tested.asLengthDeclarableUpload(upload).declareLength(5, {});
      const info = await (await tested.getUpload(id, {})).getInfo({});
      assertInfo(info, newInfo({ id, size: 5, offset: 5 }));
    },
  });
}

function describeTermination(store: () => DataStore): void {
  describeExtension<TerminaterDataStore>('termination', 'asTerminatableUpload', store, {
    'removes the upload, so that it is not found': async (tested) => {
      const { id, upload } = await created(tested, 'hello', { size: 10 });
      await tested.asTerminatableUpload(upload).terminate({});
      await refusedWith(ErrNotFound, tested.getUpload(id, {}));
    },
    'leaves nothing that keeps the id from being used again': async (tested) => {
      const { id, upload } = await created(tested, 'hello', { size: 10 });
      await tested.asTerminatableUpload(upload).terminate({});
      const again = await created(tested, '', { id, size: 3 });
      assert.equal(await offsetAfterReopening(tested, again.id), 0);
    },
    'leaves other uploads alone': async (tested) => {
      const { upload } = await created(tested, 'gone', { id: 'a' });
      const other = await created(tested, 'stays', { id: 'ab' });
      await tested.asTerminatableUpload(upload).terminate({});
      assert.equal(await contentOf(await tested.getUpload(other.id, {})), 'stays');
    },
  });
}

function describeConcatenation(store: () => DataStore): void {
  const joined = async (tested: Implementing<ConcaterDataStore>, contents: readonly string[]) => {
    const partials: Upload[] = [];
    for (const [index, content] of contents.entries()) {
      partials.push((await created(tested, content, { id: `part-${index}`, isPartial: true })).upload);
    }
    const size = contents.join('').length;
    const final = await created(tested, '', { id: 'whole', isFinal: true, partialUploads: ['part-0'], size });
    assert.equal(await offsetAfterReopening(tested, final.id), 0);
    const join = () => tested.asConcatableUpload(final.upload).concatUploads(partials, {});
    await join();
    return { ...final, partials, join };
  };

  describeExtension<ConcaterDataStore>('concatenation', 'asConcatableUpload', store, {
    'joins partial uploads in the order given': async (tested) => {
      const { id } = await joined(tested, ['first ', '', 'second ', 'third']);
      const whole = await tested.getUpload(id, {});
      assert.equal((await whole.getInfo({})).offset, 18);
      assert.equal(await contentOf(whole), 'first second third');
    },
    'leaves the partial uploads as they are': async (tested) => {
      const { partials } = await joined(tested, ['one', 'two']);
      assert.deepEqual(await Promise.all(partials.map((partial) => contentOf(partial))), ['one', 'two']);
    },
    'can be called again': async (tested) => {
      const { id, join } = await joined(tested, ['one', 'two']);
      await join();
      assert.equal(await contentOf(await tested.getUpload(id, {})), 'onetwo');
    },
    'joins the same partial upload twice': async (tested) => {
      const { upload } = await created(tested, 'ab', { id: 'part', isPartial: true });
      const final = await created(tested, '', { id: 'whole', isFinal: true, size: 4 });
      await tested.asConcatableUpload(final.upload).concatUploads([upload, upload], {});
      assert.equal(await contentOf(await tested.getUpload(final.id, {})), 'abab');
    },
  });
}

function describeVerification(store: () => DataStore): void {
  const mismatch = () => Promise.reject(errors.checksumMismatch());

  describeExtension<VerifierDataStore>('verification', 'asVerifiableUpload', store, {
    'counts a chunk once it is verified, and not before': async (tested) => {
      const { id, upload } = await created(tested, 'abc', { size: 6 });
      const seen: number[] = [];
      const verify = async () => void seen.push(await offsetAfterReopening(tested, id));
      assert.equal(
        await tested.asVerifiableUpload(upload).writeVerifiedChunk(3, sourceOf('def'), verify, {}),
        3,
      );
      assert.deepEqual(seen, [3]);
      assert.equal(await contentOf(await tested.getUpload(id, {})), 'abcdef');
    },
    'serves nothing that is not verified': async (tested) => {
      const { id, upload } = await created(tested, 'abc', { size: 6 });
      let served = '';
      const verify = async () => {
        served = await contentOf(await tested.getUpload(id, {}));
      };
      await tested.asVerifiableUpload(upload).writeVerifiedChunk(3, sourceOf('def'), verify, {});
      assert.equal(served, 'abc');
    },
    'takes back a chunk that is refused, and passes the refusal on': async (tested) => {
      const { id, upload } = await created(tested, 'abc', { size: 6 });
      const chunk = tested.asVerifiableUpload(upload).writeVerifiedChunk(3, sourceOf('xyz'), mismatch, {});
      await refusedWith(ErrChecksumMismatch, chunk);
      assert.equal(await offsetAfterReopening(tested, id), 3);
      await (await tested.getUpload(id, {})).writeChunk(3, sourceOf('d'), {});
      assert.equal(await contentOf(await tested.getUpload(id, {})), 'abcd');
    },
    'passes on a refusal that is no HttpError as it is': async (tested) => {
      const { upload } = await created(tested, '', { size: 6 });
      const reason = new RangeError('not this one');
      const chunk = tested
        .asVerifiableUpload(upload)
        .writeVerifiedChunk(0, sourceOf('xyz'), () => Promise.reject(reason), {});
      await assert.rejects(chunk, (error) => error === reason);
    },
    'keeps nothing of a chunk whose source broke, and does not verify it': async (tested) => {
      const { id, upload } = await created(tested, 'abc', { size: 9 });
      const verifiable = tested.asVerifiableUpload(upload);
      assert.equal(await verifiable.writeVerifiedChunk(3, breakingAfter('xy'), mismatch, {}), 0);
      assert.equal(await offsetAfterReopening(tested, id), 3);
      const accept = () => Promise.resolve();
      const reopened = tested.asVerifiableUpload(await tested.getUpload(id, {}));
      assert.equal(await reopened.writeVerifiedChunk(3, sourceOf('def'), accept, {}), 3);
      assert.equal(await contentOf(await tested.getUpload(id, {})), 'abcdef');
    },
  });
}

function describeUpdates(store: () => DataStore): void {
  describeExtension<UpdaterDataStore>('updates', 'asUpdatableUpload', store, {
    'changes what is given, and nothing else': async (tested) => {
      const fields = {
        size: 5,
        metaData: { a: 'b' },
        expiresAt: new Date('2030-01-01'),
        context: { owner: 1 },
      };
      const { id, upload } = await created(tested, 'abc', fields);
      const changes = {
        state: 'finishing',
        pendingFinals: ['f1', 'f2'],
        answer: { statusCode: 403, header: { 'X-A': 'b' }, body: 'no' },
      } as const;
      await tested.asUpdatableUpload(upload).update(changes, {});
      const info = await (await tested.getUpload(id, {})).getInfo({});
      assertInfo(info, newInfo({ id, offset: 3, ...fields, ...changes, pendingFinals: ['f1', 'f2'] }));
    },
    'stores the expiry that comes with a chunk, if it asks for it': async (tested) => {
      const expiresAt = new Date('2030-01-01');
      const { id, upload } = await created(tested, '', { size: 10, expiresAt });
      const later = new Date('2031-01-01');
      let isAsked = false;
      const expiry = () => {
        isAsked = true;
        return later;
      };
      await upload.writeChunk(0, sourceOf('hello'), { expiry });
      const info = await (await tested.getUpload(id, {})).getInfo({});
      assert.deepEqual([info.offset, info.expiresAt], [5, isAsked ? later : expiresAt]);
    },
    'removes what is null': async (tested) => {
      const fields = { expiresAt: new Date('2030-01-01'), context: { owner: 1 } };
      const { id, upload } = await created(tested, '', { size: 3, ...fields });
      await tested.asUpdatableUpload(upload).update({ expiresAt: null, context: null }, {});
      assertInfo(await (await tested.getUpload(id, {})).getInfo({}), newInfo({ id, size: 3 }));
    },
    'keeps the mark of what is not told, and removes it': async (tested) => {
      const { id, upload } = await created(tested, 'abc', { size: 3, state: 'receiving' });
      await tested.asUpdatableUpload(upload).update({ state: 'finished', untold: true }, {});
      await tested.asUpdatableUpload(upload).update({ expiresAt: null }, {});
      const told = await tested.getUpload(id, {});
      assertInfo(
        await told.getInfo({}),
        newInfo({ id, size: 3, offset: 3, state: 'finished', untold: true }),
      );
      await tested.asUpdatableUpload(told).update({ untold: false }, {});
      const info = await (await tested.getUpload(id, {})).getInfo({});
      assertInfo(info, newInfo({ id, size: 3, offset: 3, state: 'finished' }));
    },
    'replaces dates, context and size': async (tested) => {
      const { id, upload } = await created(tested, '', { size: 0, sizeIsDeferred: true });
      const changes = {
        expiresAt: new Date('2031-02-03T04:05:06.007Z'),
        context: ['x'],
        size: 7,
        sizeIsDeferred: false,
      };
      await tested.asUpdatableUpload(upload).update(changes, {});
      assertInfo(await (await tested.getUpload(id, {})).getInfo({}), newInfo({ id, ...changes }));
    },
  });
}

function describeListing(store: () => DataStore): void {
  const all = async (tested: ListerDataStore, filter: ListFilter): Promise<FileInfo[]> => {
    const found: FileInfo[] = [];
    let cursor: string | undefined;
    do {
      const page = await tested.list(filter, cursor);
      if (filter.limit) assert.ok(page.uploads.length <= filter.limit, 'no page is longer than its limit');
      found.push(...page.uploads);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return found;
  };
  const idsOf = (infos: readonly FileInfo[]) => infos.map(({ id }) => id).sort();

  describeExtension<ListerDataStore>('listing', 'list', store, {
    'lists nothing in an empty store': async (tested) => {
      assert.deepEqual(await all(tested, {}), []);
    },
    'lists every upload once, page after page': async (tested) => {
      const ids: string[] = [];
      for (const id of ['a', 'b', 'c', 'd', 'e']) ids.push((await created(tested, 'x', { id, size: 2 })).id);
      ids.sort();
      for (const limit of [1, 2, 5, 10]) assert.deepEqual(idsOf(await all(tested, { limit })), ids);
    },
    'shows each upload as it is': async (tested) => {
      const fields = { metaData: { filename: 'ä' }, expiresAt: new Date('2030-01-01') };
      const { id } = await created(tested, 'abc', { size: 5, ...fields });
      const [info, ...others] = await all(tested, {});
      assert.ok(info && others.length === 0, 'there is one');
      assertInfo(info, newInfo({ id, size: 5, offset: 3, ...fields }));
    },
    'filters by state, whether it was written or follows from the offset': async (tested) => {
      const ids = new Map<string, string>();
      ids.set('receiving', (await created(tested, 'x', { id: 'receiving', size: 2 })).id);
      ids.set('finishing', (await created(tested, 'x', { id: 'finishing', state: 'receiving' })).id);
      ids.set('finished', (await created(tested, 'x', { id: 'finished' })).id);
      if (hasMethod<UpdaterDataStore>(tested, 'asUpdatableUpload')) {
        const { id, upload } = await created(tested, 'x', { id: 'rejected', state: 'receiving' });
        await tested.asUpdatableUpload(upload).update({ state: 'rejected' }, {});
        ids.set('rejected', id);
      }
      for (const [state, id] of ids)
        assert.deepEqual(idsOf(await all(tested, { state: state as FileInfo['state'] })), [id]);
    },
    'filters by the time of expiry': async (tested) => {
      const early = await created(tested, 'x', { id: 'early', size: 2, expiresAt: new Date(1_000) });
      await created(tested, 'x', { id: 'late', size: 2, expiresAt: new Date(3_000) });
      await created(tested, 'x', { id: 'never', size: 2 });
      assert.deepEqual(idsOf(await all(tested, { expiresBefore: new Date(2_000), limit: 1 })), [early.id]);
    },
  });
}
