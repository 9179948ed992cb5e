import { buffer } from 'node:stream/consumers';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errors, hasCode, ErrChecksumMismatch, ErrNotFound, ErrUploadExists } from '../errors.js';
import type { FileInfo } from '../file-info.js';
import type { Upload } from './data-store.js';
import { MemoryStore } from './memory-store.js';
import { StoreComposer } from './store-composer.js';

const infoOf = (id: string, changes: Partial<FileInfo> = {}): FileInfo => ({
  id,
  size: 10,
  sizeIsDeferred: false,
  offset: 0,
  metaData: {},
  isPartial: false,
  isFinal: false,
  partialUploads: [],
  ...changes,
});

const contentOf = async (upload: Upload, range?: { start: number; end: number }) =>
  (await buffer(await upload.getReader({}, range))).toString();

/** Gives `text`, then breaks as a body does whose client has vanished. */
const broken = (text: string) =>
  Readable.from(
    (async function* () {
      yield Buffer.from(text);
      throw new Error('aborted');
    })(),
  );

describe('MemoryStore', () => {
  it('puts itself and every extension into a composer', () => {
    const composer = new StoreComposer();
    new MemoryStore().useIn(composer);
    expect(composer.capabilities().replace('Locker: ✗ ', '')).not.toContain('✗');
  });

  it('stores chunks one after the other, and serves ranges across blocks', async () => {
    const store = new MemoryStore();
    const whole = Buffer.alloc(3_000_000, 'resumable ');
    const upload = await store.newUpload(infoOf('a', { size: whole.length }), {});
    expect(
      await upload.writeChunk(0, Readable.from([whole.subarray(0, 1), whole.subarray(1, 7_000)]), {}),
    ).toBe(7_000);
    const again = await store.getUpload('a', {});
    expect(await again.writeChunk(7_000, Readable.from([whole.subarray(7_000)]), {})).toBe(2_993_000);
    expect((await again.getInfo({})).offset).toBe(whole.length);
    expect((await buffer(await again.getReader({}))).equals(whole)).toBe(true);
    for (const [start, end] of [
      [0, 0],
      [4_095, 4_096],
      [1_000_000, 2_999_999],
      [2_999_999, 5_000_000],
    ] as const) {
      const range = await buffer(await again.getReader({}, { start, end }));
      expect(range.equals(whole.subarray(start, end + 1))).toBe(true);
    }
  });

  it('does not keep the chunks themselves: their source may use them again', async () => {
    const chunk = Buffer.from('once');
    const upload = await new MemoryStore().newUpload(infoOf('a'), {});
    await upload.writeChunk(0, Readable.from([chunk]), {});
    chunk.fill('x');
    expect(await contentOf(upload)).toBe('once');
  });

  it('keeps what arrived when the source breaks', async () => {
    const upload = await new MemoryStore().newUpload(infoOf('a'), {});
    expect(await upload.writeChunk(0, broken('half'), {})).toBe(4);
    expect((await upload.getInfo({})).offset).toBe(4);
    expect(await upload.writeChunk(4, Readable.from(['+rest']), {})).toBe(5);
    expect(await contentOf(upload)).toBe('half+rest');
  });

  it('commits nothing after its operation was aborted', async () => {
    const controller = new AbortController();
    const source = new PassThrough();
    const upload = await new MemoryStore().newUpload(infoOf('a'), {});
    const written = upload.writeChunk(0, source, { signal: controller.signal });
    source.write('kept');
    while ((await upload.getInfo({})).offset < 4) await nextTurn();
    controller.abort();
    source.end('late');
    expect(await written).toBe(4);
    expect(await contentOf(upload)).toBe('kept');
  });

  it('reports and serves a verified chunk only after its verification', async () => {
    const store = new MemoryStore();
    const upload = await store.newUpload(infoOf('a'), {});
    const seen: [number, string][] = [];
    const verify = async () => void seen.push([(await upload.getInfo({})).offset, await contentOf(upload)]);
    const verifiable = store.asVerifiableUpload(upload);
    expect(await verifiable.writeVerifiedChunk(0, Readable.from(['good']), verify, {})).toBe(4);
    expect(seen).toEqual([[0, '']]);
    expect(await contentOf(upload)).toBe('good');
  });

  it('takes a chunk back whose verification fails or whose source breaks', async () => {
    const store = new MemoryStore();
    const upload = await store.newUpload(infoOf('a'), {});
    const verifiable = store.asVerifiableUpload(upload);
    const mismatch = () => Promise.reject(errors.checksumMismatch());
    const refusal = await verifiable
      .writeVerifiedChunk(0, Readable.from(['wrong']), mismatch, {})
      .catch((error: unknown) => error);
    expect(hasCode(refusal, ErrChecksumMismatch)).toBe(true);
    expect(await verifiable.writeVerifiedChunk(0, broken('half'), mismatch, {})).toBe(0);
    expect((await upload.getInfo({})).offset).toBe(0);
    expect(await upload.writeChunk(0, Readable.from(['right']), {})).toBe(5);
    expect(await contentOf(upload)).toBe('right');
  });

  it('never overwrites', async () => {
    const store = new MemoryStore();
    const upload = await store.newUpload(infoOf('a'), {});
    await upload.writeChunk(0, Readable.from(['first']), {});
    const refusal = await store.newUpload(infoOf('a'), {}).catch((error: unknown) => error);
    expect(hasCode(refusal, ErrUploadExists)).toBe(true);
    expect(await contentOf(await store.getUpload('a', {}))).toBe('first');
  });

  it('shares no part of an info with its callers', async () => {
    const expiresAt = new Date(5_000);
    const metaData = JSON.parse('{"__proto__":"kept","filename":"a.txt"}') as Record<string, string>;
    const given = infoOf('a', { metaData, expiresAt, context: { owner: ['ann'] }, partialUploads: ['p'] });
    const expected = structuredClone(given);
    const upload = await new MemoryStore().newUpload(given, {});
    const spoil = (info: FileInfo) => {
      info.metaData['filename'] = 'spoilt';
      info.expiresAt?.setTime(1);
      info.partialUploads.push('spoilt');
      (info.context as { owner: string[] }).owner.push('spoilt');
    };
    spoil(given);
    spoil(await upload.getInfo({}));
    const info = await upload.getInfo({});
    expect(info).toEqual(expected);
    expect(Object.entries(info.metaData)).toEqual([
      ['__proto__', 'kept'],
      ['filename', 'a.txt'],
    ]);
  });

  it('changes an info: null removes, what is absent stays', async () => {
    const store = new MemoryStore();
    const upload = await store.newUpload(infoOf('a', { expiresAt: new Date(1), context: 'ann' }), {});
    const finals = ['final'];
    await store
      .asUpdatableUpload(upload)
      .update({ state: 'finishing', expiresAt: null, pendingFinals: finals }, {});
    finals.push('spoilt');
    const info = await upload.getInfo({});
    expect(info).toMatchObject({ state: 'finishing', context: 'ann', pendingFinals: ['final'] });
    expect('expiresAt' in info).toBe(false);
  });

  it('declares a deferred length', async () => {
    const store = new MemoryStore();
    const upload = await store.newUpload(infoOf('a', { size: 0, sizeIsDeferred: true }), {});
    await store.asLengthDeclarableUpload(upload).declareLength(7, {});
    expect(await upload.getInfo({})).toMatchObject({ size: 7, sizeIsDeferred: false });
  });

  it('joins partial uploads in their order, all of them or nothing', async () => {
    const store = new MemoryStore();
    const [one, two, final] = await Promise.all(['1', '2', 'f'].map((id) => store.newUpload(infoOf(id), {})));
    await one?.writeChunk(0, Readable.from(['hello']), {});
    await two?.writeChunk(0, Readable.from(['world']), {});
    if (!one || !two || !final) throw new Error('not created');
    const lost: Upload = { ...one, getReader: () => Promise.reject(errors.notFound()) };
    const concatable = store.asConcatableUpload(final);
    await expect(concatable.concatUploads([two, lost], {})).rejects.toThrow();
    expect((await final.getInfo({})).offset).toBe(0);
    await concatable.concatUploads([two, one], {});
    expect((await final.getInfo({})).offset).toBe(10);
    expect(await contentOf(final)).toBe('worldhello');
  });

  it('forgets a terminated upload', async () => {
    const store = new MemoryStore();
    const upload = await store.newUpload(infoOf('a'), {});
    await store.asTerminatableUpload(upload).terminate({});
    for (const attempt of [
      store.getUpload('a', {}),
      upload.getInfo({}),
      upload.writeChunk(0, Readable.from(['x']), {}),
    ]) {
      const refusal = await attempt.catch((error: unknown) => error);
      expect(hasCode(refusal, ErrNotFound)).toBe(true);
    }
    await store.newUpload(infoOf('a'), {});
  });

  it('lists page by page, also when uploads go between two pages', async () => {
    const store = new MemoryStore();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await store.newUpload(infoOf(id), {});
    const first = await store.list({ limit: 2 });
    await store.asTerminatableUpload(await store.getUpload('b', {})).terminate({});
    const second = await store.list({ limit: 3 }, first.cursor);
    const ids = [first, second].map(({ uploads }) => uploads.map(({ id }) => id));
    expect(ids).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
    expect(second.cursor).toBeUndefined();
  });

  it('lists by state and by expiry', async () => {
    const store = new MemoryStore();
    await store.newUpload(infoOf('receiving', { expiresAt: new Date(1_000) }), {});
    await store.newUpload(infoOf('later', { expiresAt: new Date(3_000) }), {});
    await store.newUpload(infoOf('never'), {});
    await store.newUpload(infoOf('finished', { size: 0, expiresAt: new Date(1_000) }), {});
    const { uploads } = await store.list({ state: 'receiving', expiresBefore: new Date(2_000) });
    expect(uploads.map(({ id }) => id)).toEqual(['receiving']);
  });
});
