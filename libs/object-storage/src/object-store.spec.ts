import {
  ErrInsufficientStorage,
  ErrNotFound,
  ErrStorageUnavailable,
  ErrUploadExists,
  ErrUploadExpired,
} from '@nestjs-tus/core';
import { Full, Passing } from './problems.js';
import { MemoryBucket, type MemoryBucketOptions } from './testing/memory-bucket.js';
import { storeOn } from './testing/stores-in-memory.js';
import {
  appended,
  created,
  heldLock,
  sourceOf,
  tailsIn,
  textOf,
  under,
} from './testing/uploads-in-memory.js';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** So many letters, over and over. */
const letters = (size: number, from = 0) =>
  Array.from({ length: size }, (_, index) => LETTERS[(from + index) % LETTERS.length]).join('');

describe('a store on a bucket', () => {
  it('stores an upload that is one part in one call, and the record after it', async () => {
    const node = new MemoryBucket().node();
    const store = storeOn(node);
    const calls: string[] = [];
    node.interfere(({ name, key }, send) => {
      calls.push(`${name} ${key}`);
      return send();
    });
    await under(heldLock('t1'), async (context) => {
      const flags = { sizeIsDeferred: false, isPartial: false, isFinal: false };
      const info = { id: 'one', size: 7, offset: 0, metaData: {}, partialUploads: [], ...flags };
      const upload = await store.newUpload(info, context);
      await upload.writeChunk(0, sourceOf(Buffer.from('content')), context);
      await upload.finishUpload(context);
    });
    expect(calls).toEqual(['put uploads/one', 'put uploads/one.info']);
    expect(await textOf(store, 'one')).toBe('content');
  });

  it('keeps the bytes of many uploads at once, whatever they have in memory together', async () => {
    const bucket = new MemoryBucket();
    const store = storeOn(bucket.node(), { maxBufferedBytes: 40 });
    const texts = Array.from({ length: 20 }, (_, index) => letters(60 + index, index));
    const ids = await Promise.all(texts.map((text) => created(store, { size: text.length })));
    await Promise.all(
      ids.map((id, index) => appended(store, id, Buffer.from(texts[index] ?? ''), heldLock(`t${index}`))),
    );
    expect(await Promise.all(ids.map((id) => textOf(store, id)))).toEqual(texts);
    expect(store.bufferedBytes).toBe(0);
    expect(tailsIn(bucket)).toEqual([]);
  });

  it('goes on when takeovers have used up the numbers of parts', async () => {
    const bucket = new MemoryBucket({ rules: { maxPieces: 120 }, wantsAllPieces: true });
    const text = letters(120);
    const id = await created(storeOn(bucket.node()), { size: text.length });
    for (let end = 12; end <= text.length; end += 12) {
      const lock = heldLock(`t${end}`, `t${end - 12}`, true);
      expect(await appended(storeOn(bucket.node()), id, Buffer.from(text.slice(0, end)), lock)).toBe(end);
    }
    expect(await textOf(storeOn(bucket.node()), id)).toBe(text);
    expect(bucket.openSessions).toBe(0);
  });

  it.each<[string, MemoryBucketOptions]>([
    ['copies', {}],
    ['does not copy', { copies: false }],
    ['wants equal pieces', { rules: { equal: true } }],
    ['gives pieces random names', { names: 'random' }],
  ])('joins uploads of all sizes on a service that %s', async (_name, options) => {
    const store = storeOn(new MemoryBucket(options).node());
    const texts = [3, 0, 27, 95, 4, 1].map((size, index) => letters(size, 5 * index));
    const partials: string[] = [];
    for (const text of texts) {
      const id = await created(store, { size: text.length, isPartial: true });
      await appended(store, id, Buffer.from(text), heldLock('t1'));
      partials.push(id);
    }
    const final = await created(store, {
      size: texts.join('').length,
      isFinal: true,
      partialUploads: partials,
    });
    await under(heldLock('t1'), async (context) => {
      const uploads = await Promise.all(partials.map((id) => store.getUpload(id, {})));
      const upload = store.asConcatableUpload(await store.getUpload(final, context));
      await upload.concatUploads(uploads, context);
    });
    expect(await textOf(store, final)).toBe(texts.join(''));
  });

  it('removes an upload whose parts have expired, and says so', async () => {
    const bucket = new MemoryBucket();
    const store = storeOn(bucket.node());
    const id = await created(store, { size: 40 });
    await appended(store, id, Buffer.from(letters(23)), heldLock('t1'));
    bucket.expireSessions();
    const late = appended(store, id, Buffer.from(letters(40)), heldLock('t2', 't1'));
    await expect(late).rejects.toMatchObject(ErrUploadExpired);
    await expect(store.getUpload(id, {})).rejects.toMatchObject(ErrNotFound);
    expect(bucket.keys()).toEqual([]);
  });

  it('gives a chosen key to the upload that is finished first', async () => {
    const store = storeOn(new MemoryBucket().node());
    const [first, second] = await Promise.all(
      ['one', 'two'].map((id) => created(store, { id, size: 30, storage: { key: 'chosen' } })),
    );
    await appended(store, first ?? '', Buffer.from(letters(30)), heldLock('t1'));
    const late = appended(store, second ?? '', Buffer.from(letters(30, 3)), heldLock('t1'));
    await expect(late).rejects.toMatchObject(ErrUploadExists);
    expect(await textOf(store, first ?? '')).toBe(letters(30));
  });

  it.each([
    ['passes', Passing, ErrStorageUnavailable],
    ['says that there is no room', Full, ErrInsufficientStorage],
  ])('keeps what is stored when a call %s, and says why', async (_name, Problem, descriptor) => {
    const bucket = new MemoryBucket();
    const node = bucket.node();
    const store = storeOn(node);
    const id = await created(store, { size: 50 });
    let parts = 0;
    node.interfere(({ name }, send) => {
      if (name !== 'store') return send();
      parts += 1;
      return parts > 2 ? Promise.reject(new Problem(new Error('of the service'))) : send();
    });
    const failure = appended(store, id, Buffer.from(letters(50)), heldLock('t1'));
    await expect(failure).rejects.toMatchObject({ code: descriptor.code, bytesWritten: 20 });
    node.interfere();
    expect(await appended(store, id, Buffer.from(letters(50)), heldLock('t2', 't1'))).toBe(50);
    expect(await textOf(store, id)).toBe(letters(50));
  });
});
