import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { ErrInternalServerError, ErrLockLost, ErrUploadExists, hasCode } from '@nestjs-tus/core';
import type { ConditionalWrites } from '@nestjs-tus/s3-store';
import { randomContent } from '../harness/random-content.js';
import { bucketForEachTest } from './s3-bucket.js';
import { contentOf, MIB, newInfo, Operations } from './s3-fixture.js';

const bucket = bucketForEachTest();

const put = (Key: string, Body: string) =>
  bucket.client.send(new PutObjectCommand({ Bucket: bucket.name, Key, Body: Buffer.from(Body) }));
const remove = (Key: string) => bucket.client.send(new DeleteObjectCommand({ Bucket: bucket.name, Key }));

describe.each<ConditionalWrites>(['if-match-bare', 'generations'])('records, by %s', (conditionalWrites) => {
  const newNode = () => bucket.newNode({ conditionalWrites });
  const keyOf = (id: string) =>
    conditionalWrites === 'generations' ? `${id}.info-ffffffffffff` : `${id}.info`;

  it('that are no records of this store are nobody’s uploads', async () => {
    const node = newNode();
    const operations = new Operations();
    const own = await operations.create(node, { size: 9, id: 'm' });
    for (const foreign of ['', 'photo', '{', '[]', 'null', '{"ID":"a","Size":9}', '{"format":"other 1"}']) {
      for (const id of ['a', 'z']) {
        await put(keyOf(id), foreign);
        await expect(node.store.getUpload(id, {})).rejects.toMatchObject({ status: 404 });
        await expect(operations.create(node, { id, size: 9 })).rejects.toMatchObject({
          code: ErrUploadExists.code,
        });
      }
      expect((await newNode().store.list({})).uploads.map(({ id }) => id)).toEqual([own]);
    }
  });

  it('that another version of this store has written, or that are broken, are told and left alone', async () => {
    const node = newNode();
    const operations = new Operations();
    const own = await operations.create(node, { size: 9, id: 'm' });
    const { Body } = await bucket.client.send(new GetObjectCommand({ Bucket: bucket.name, Key: keyOf(own) }));
    const text = (await Body?.transformToString()) ?? '';
    const { format, record } = JSON.parse(text) as { format: string; record: object };
    const unreadable = [
      { format: format.replace(/\d+$/, '2'), record },
      { format },
      { format, record: null },
      { format, record: {} },
      { format, record: { ...record, parts: undefined } },
      { format, record: { ...record, parts: [7] } },
      { format, record: { ...record, segments: 'none' } },
      { format, record: { ...record, info: null } },
    ];
    for (const written of unreadable) {
      for (const id of ['a', 'z']) {
        await put(keyOf(id), JSON.stringify(written));
        const failure = await node.store.getUpload(id, {}).catch((error: unknown) => error);
        expect(hasCode(failure, ErrInternalServerError)).toBe(true);
        expect(String((failure as Error).cause)).toContain(keyOf(id));
        await expect(operations.create(node, { id, size: 9 })).rejects.toMatchObject({
          code: ErrUploadExists.code,
        });
      }
      expect((await newNode().store.list({})).uploads.map(({ id }) => id)).toEqual([own]);
    }
  });

  it('are all listed, whatever other folders are beside them', async () => {
    const node = newNode();
    const operations = new Operations();
    const folders = Array.from({ length: 1_100 }, (_, index) => `folder-${String(index).padStart(4, '0')}/x`);
    for (let start = 0; start < folders.length; start += 50) {
      await Promise.all(folders.slice(start, start + 50).map((key) => put(key, 'x')));
    }
    const ids = ['a', 'z'];
    for (const id of ids) await operations.create(node, { id, size: 9 });
    expect((await node.store.list({})).uploads.map(({ id }) => id)).toEqual(ids);
    const pages: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await node.store.list({ limit: 1 }, cursor);
      pages.push(...page.uploads.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(pages).toEqual(ids);
  });
});

it('a record that somebody has removed is an upload that is not there, also on the node that knew it', async () => {
  const node = bucket.newNode();
  const operations = new Operations();
  const content = randomContent('removed', 7 * MIB);
  const id = await operations.create(node, { size: content.length });
  await operations.append(node, id, 0, content.subarray(0, 6 * MIB));
  await remove(`${id}.info`);
  const failed = await operations
    .append(node, id, 6 * MIB, content.subarray(6 * MIB))
    .catch((error: unknown) => error);
  expect(hasCode(failed, ErrLockLost)).toBe(true);
  await expect(operations.info(node, id)).rejects.toMatchObject({ status: 404 });
  await expect(operations.info(bucket.newNode(), id)).rejects.toMatchObject({ status: 404 });
});

describe('objects that somebody has removed', () => {
  it('are not found by who reads them, and their uploads can be removed', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    const id = await operations.createWith(node, randomContent('object', 6 * MIB));
    await remove(id);
    await expect(contentOf(node, id)).rejects.toMatchObject({ status: 404 });
    expect(await operations.info(node, id)).toMatchObject({ offset: 6 * MIB });
    await operations.run(id, async (context) => {
      const upload = await node.store.getUpload(id, context);
      await node.store.asTerminatableUpload(upload).terminate(context);
    });
    expect(await bucket.keys()).toEqual([]);
  });

  it.each([100, 6 * MIB])('are not found by who joins them (%d bytes)', async (size) => {
    const node = bucket.newNode();
    const operations = new Operations();
    const partial = await operations.createWith(node, randomContent('partial', size), { isPartial: true });
    await remove(partial);
    const info = newInfo({ size, isFinal: true, partialUploads: [partial] });
    const id = await operations.create(node, info);
    const joined = operations.run(id, async (context) => {
      const final = await node.store.getUpload(id, context);
      const partials = [await node.store.getUpload(partial, {})];
      await node.store.asConcatableUpload(final).concatUploads(partials, context);
    });
    await expect(joined).rejects.toMatchObject({ status: 404 });
    expect(await operations.info(node, id)).toMatchObject({ offset: 0 });
    expect(await bucket.openMultiparts()).toEqual([]);
  });
});

describe('a final upload of empty parts', () => {
  it('is finished although its object is there already, from a call whose answer was lost', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    const partials = [
      await operations.createWith(node, Buffer.alloc(0), { isPartial: true }),
      await operations.createWith(node, Buffer.alloc(0), { isPartial: true }),
    ];
    const id = await operations.create(node, {
      size: 0,
      isFinal: true,
      partialUploads: partials,
      state: 'receiving',
    });
    const own = { Metadata: { 'tus-attempt': `${id}/lost` } };
    await bucket.client.send(
      new PutObjectCommand({ Bucket: bucket.name, Key: id, Body: Buffer.alloc(0), ...own }),
    );
    await operations.run(id, async (context) => {
      const final = await node.store.getUpload(id, context);
      const loaded = await Promise.all(partials.map((partial) => node.store.getUpload(partial, {})));
      await node.store.asConcatableUpload(final).concatUploads(loaded, context);
      await final.finishUpload(context);
    });
    expect((await contentOf(bucket.newNode(), id)).length).toBe(0);
    expect(await bucket.openMultiparts()).toEqual([]);
  });
});
