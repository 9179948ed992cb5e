import { buffer } from 'node:stream/consumers';
import {
  AbortMultipartUploadCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { errors, ErrUploadExists, ErrUploadExpired, hasCode } from '@nestjs-tus/core';
import { randomContent, randomNumbers } from '../harness/random-content.js';
import { bucketForEachTest } from './s3-bucket.js';
import { contentOf, inContext, MIB, newInfo, Operations, sourceOf } from './s3-fixture.js';

const bucket = bucketForEachTest();

describe('S3Store and chunks of any size', () => {
  it('keeps chunks that are too small for a part, and removes their objects once a part has them', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    const content = randomContent('small chunks', 13 * MIB);
    const random = randomNumbers('sizes');
    const id = await operations.create(node, { size: content.length });
    for (let offset = 0; offset < content.length;) {
      const end = offset + Math.ceil(random() * MIB);
      offset = await operations.append(node, id, offset, content.subarray(offset, end));
      expect((await operations.info(bucket.newNode(), id)).offset).toBe(Math.min(end, content.length));
    }
    expect((await contentOf(node, id)).equals(content)).toBe(true);
    expect(await bucket.keys()).toEqual([id, `${id}.info`]);
    expect(await bucket.openMultiparts()).toEqual([]);
  });

  it('stores many tiny chunks again as one, before there are too many', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    const content = randomContent('tiny', 100);
    const id = await operations.create(node, { size: 1_000 });
    for (let offset = 0; offset < 100; offset += 1) {
      await operations.append(node, id, offset, content.subarray(offset, offset + 1));
    }
    expect((await bucket.keys()).length).toBeLessThan(40);
    const upload = await node.store.getUpload(id, {});
    expect((await buffer(await upload.getReader({}))).equals(content)).toBe(true);
  });

  it('spreads chunks over nodes that take turns', async () => {
    const nodes = [bucket.newNode(), bucket.newNode(), bucket.newNode()];
    const operations = new Operations();
    const content = randomContent('turns', 40 * MIB);
    const id = await operations.create(bucket.newNode(), { size: content.length });
    let turn = 0;
    for (let offset = 0; offset < content.length; turn += 1) {
      const node = nodes[turn % 3]!;
      offset = await operations.append(node, id, offset, content.subarray(offset, offset + 7 * MIB));
    }
    expect((await contentOf(bucket.newNode(), id)).equals(content)).toBe(true);
  });

  it('gives every part the same size but the last, where the service wants it', async () => {
    const node = bucket.newNode({ equalParts: true });
    const sizes: number[] = [];
    node.interfere((call, send) => {
      const body = (call.input as { ContentLength?: number }).ContentLength;
      if (call.name === 'UploadPart') sizes.push(body ?? 0);
      return send();
    });
    const operations = new Operations();
    const content = randomContent('equal', 23 * MIB);
    const id = await operations.create(node, { size: content.length });
    for (let offset = 0; offset < content.length;) {
      offset = await operations.append(node, id, offset, content.subarray(offset, offset + 6 * MIB));
    }
    expect(sizes.sort((a, b) => b - a)).toEqual([...Array<number>(4).fill(5 * MIB), 3 * MIB]);
    expect((await contentOf(node, id)).equals(content)).toBe(true);
  });

  it('takes a length that is declared last, with an empty chunk', async () => {
    for (const size of [0, 700, 5 * MIB, 12 * MIB]) {
      const node = bucket.newNode();
      const operations = new Operations();
      const content = randomContent('deferred', size);
      const id = await operations.create(node, { sizeIsDeferred: true });
      await operations.append(node, id, 0, content);
      await operations.run(id, async (context) => {
        const upload = await node.store.getUpload(id, context);
        await node.store.asLengthDeclarableUpload(upload).declareLength(size, context);
        expect(await upload.writeChunk(size, sourceOf(Buffer.alloc(0)), context)).toBe(0);
        await upload.finishUpload(context);
      });
      expect((await contentOf(bucket.newNode(), id)).equals(content)).toBe(true);
      expect(await operations.info(bucket.newNode(), id)).toMatchObject({
        offset: size,
        size,
        sizeIsDeferred: false,
      });
    }
  });

  it('takes back a chunk of several parts whose checksum is wrong', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    const content = randomContent('verified', 21 * MIB);
    const id = await operations.create(node, { size: content.length });
    await operations.append(node, id, 0, content.subarray(0, 6 * MIB));
    const write = (bytes: Buffer, verify: () => Promise<void>) =>
      operations.run(id, async (context) => {
        const upload = await node.store.getUpload(id, context);
        const kept = await node.store
          .asVerifiableUpload(upload)
          .writeVerifiedChunk(6 * MIB, sourceOf(bytes), verify, context);
        if (6 * MIB + kept === content.length) await upload.finishUpload(context);
        return kept;
      });
    const wrong = write(randomContent('wrong', 15 * MIB), () => Promise.reject(errors.checksumMismatch()));
    await expect(wrong).rejects.toMatchObject({ status: 460 });
    expect((await operations.info(bucket.newNode(), id)).offset).toBe(6 * MIB);
    expect(await write(content.subarray(6 * MIB), () => Promise.resolve())).toBe(15 * MIB);
    expect((await contentOf(bucket.newNode(), id)).equals(content)).toBe(true);
  });
});

describe('S3Store and objects', () => {
  it('joins partial uploads inside the service, and reads what is too small to be copied', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    const contents = [6 * MIB, 100, 11 * MIB, 0, 3 * MIB, 200].map((size, index) =>
      randomContent(`part ${index}`, size),
    );
    const ids: string[] = [];
    for (const [index, content] of contents.entries()) {
      ids.push(
        await operations.createWith(node, content, {
          id: `part+${index}`.replace('+', '~'),
          isPartial: true,
        }),
      );
    }
    node.takeCalls();
    const size = contents.reduce((sum, { length }) => sum + length, 0);
    const id = await operations.create(node, { size, isFinal: true, partialUploads: ids });
    await operations.run(id, async (context) => {
      const final = await node.store.getUpload(id, context);
      const partials = await Promise.all(ids.map((partial) => node.store.getUpload(partial, {})));
      await node.store.asConcatableUpload(final).concatUploads(partials, context);
      await final.finishUpload(context);
    });
    expect(node.takeCalls()).toEqual(expect.arrayContaining(['UploadPartCopy', 'UploadPart']));
    expect((await contentOf(bucket.newNode(), id)).equals(Buffer.concat(contents))).toBe(true);
    expect(await operations.info(bucket.newNode(), id)).toMatchObject({ offset: size, isFinal: true });
  });

  it('serves ranges', async () => {
    const node = bucket.newNode();
    const content = randomContent('ranges', 6 * MIB);
    const id = await new Operations().createWith(node, content);
    const upload = await node.store.getUpload(id, {});
    const range = { start: 5 * MIB - 3, end: 5 * MIB + 7 };
    expect(
      (await buffer(await upload.getReader({}, range))).equals(content.subarray(range.start, range.end + 1)),
    ).toBe(true);
  });

  it('gives objects keys, headers, tags and metadata', async () => {
    const node = bucket.newNode({
      objectPrefix: 'in/',
      key: '{year}/{month}/{id}',
      object: (info) => ({
        contentDisposition: 'attachment',
        cacheControl: 'private',
        tags: { kind: 'a b' },
        metadata: { owner: info.metaData['owner'] ?? '' },
      }),
    });
    const operations = new Operations();
    const metaData = { filetype: 'image/png', filename: 'Größe".png\r\n', owner: 'Zoë' };
    for (const size of [100, 6 * MIB]) {
      const createdAt = new Date('2025-03-09T23:59:59Z');
      const id = await operations.createWith(node, randomContent('keys', size), { metaData, createdAt });
      const key = `in/2025/03/${id}`;
      const head = await bucket.client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: key }));
      expect(head).toMatchObject({
        ContentType: 'image/png',
        ContentDisposition: "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe%22.png%0D%0A",
        CacheControl: 'private',
        Metadata: { owner: 'Zo%C3%AB' },
      });
      expect((await operations.info(node, id)).storage).toEqual({
        type: 's3store',
        bucket: bucket.name,
        key,
      });
      // This gateway forgets the tags that a multipart upload is begun with.
      if (size > 5 * MIB) continue;
      const tagging = await bucket.client.send(
        new GetObjectTaggingCommand({ Bucket: bucket.name, Key: key }),
      );
      expect(tagging.TagSet).toEqual([{ Key: 'kind', Value: 'a b' }]);
    }
  });

  it('replaces no object that is there, and takes no id that is taken', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    await bucket.client.send(new PutObjectCommand({ Bucket: bucket.name, Key: 'theirs', Body: 'theirs' }));
    const clash = operations.createWith(node, Buffer.from('ours'), { storage: { key: 'theirs' } });
    await expect(clash).rejects.toMatchObject({ code: ErrUploadExists.code });
    const id = await operations.createWith(node, Buffer.from('first'));
    await expect(operations.createWith(bucket.newNode(), Buffer.from('other'), { id })).rejects.toMatchObject(
      {
        status: 409,
      },
    );
    await expect(operations.create(bucket.newNode(), { id, size: 9 })).rejects.toMatchObject({ status: 409 });
    expect((await contentOf(node, id)).toString()).toBe('first');
  });

  it('takes no id that ends like a key of its own', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    const id = await operations.createWith(node, Buffer.from('first'), { id: 'a' });
    await expect(operations.createWith(node, Buffer.from('x'), { id: `${id}.info` })).rejects.toMatchObject({
      status: 500,
    });
    await expect(node.store.getUpload(`${id}.info`, {})).rejects.toMatchObject({ status: 404 });
    expect((await contentOf(bucket.newNode(), id)).toString()).toBe('first');
  });

  it('removes all that belongs to an upload, and nothing else', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    await bucket.client.send(
      new PutObjectCommand({ Bucket: bucket.name, Key: 'other.info', Body: '{"ID":"other"}' }),
    );
    const finished = await operations.createWith(node, randomContent('finished', 6 * MIB));
    const id = await operations.create(node, { size: 20 * MIB });
    await operations.append(node, id, 0, randomContent('unfinished', 6 * MIB));
    expect(await bucket.openMultiparts()).toHaveLength(1);
    const listed = await node.store.list({});
    expect(listed.uploads.map((info) => info.id).sort()).toEqual([finished, id].sort());
    for (const gone of [id, finished]) {
      await operations.run(gone, async (context) => {
        const upload = await node.store.getUpload(gone, context);
        await node.store.asTerminatableUpload(upload).terminate(context);
      });
      await expect(node.store.getUpload(gone, {})).rejects.toMatchObject({ status: 404 });
    }
    expect(await bucket.keys()).toEqual(['other.info']);
    expect(await bucket.openMultiparts()).toEqual([]);
  });

  it('reads no record twice for a list when it has not changed', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    const ids = [await operations.create(node, { size: 9 }), await operations.create(node, { size: 9 })];
    await node.store.list({});
    node.takeCalls();
    expect((await node.store.list({})).uploads).toHaveLength(2);
    expect(node.takeCalls()).toEqual(['ListObjectsV2']);
    await operations.append(node, ids[0]!, 0, Buffer.from('abc'));
    node.takeCalls();
    expect((await node.store.list({})).uploads.map(({ offset }) => offset).sort()).toEqual([0, 3]);
    expect(node.takeCalls()).toEqual(['ListObjectsV2', 'GetObject']);
  });
});

describe('S3Store and multipart uploads that a lifecycle rule has removed', () => {
  const abortAll = async (id: string) => {
    for (const UploadId of await bucket.openMultiparts()) {
      await bucket.client.send(new AbortMultipartUploadCommand({ Bucket: bucket.name, Key: id, UploadId }));
    }
  };

  it('says that the upload is gone when more is sent', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    const id = await operations.create(node, { size: 20 * MIB });
    await operations.append(node, id, 0, randomContent('lost', 6 * MIB));
    await abortAll(id);
    const more = operations.append(node, id, 6 * MIB, randomContent('more', 6 * MIB));
    await expect(more).rejects.toMatchObject({ code: ErrUploadExpired.code });
    await expect(bucket.newNode().store.getUpload(id, {})).rejects.toMatchObject({ status: 404 });
    expect(await bucket.keys()).toEqual([]);
  });

  it('never says that the upload is complete', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    const info = newInfo({ size: 6 * MIB });
    await inContext(undefined, (context) => node.store.newUpload(info, context));
    await operations.run(info.id, async (context) => {
      const upload = await node.store.getUpload(info.id, context);
      await upload.writeChunk(0, sourceOf(randomContent('lost', info.size)), context);
      await abortAll(info.id);
      const finished = await upload.finishUpload(context).catch((error: unknown) => error);
      expect(hasCode(finished, ErrUploadExpired)).toBe(true);
    });
    await expect(bucket.newNode().store.getUpload(info.id, {})).rejects.toMatchObject({ status: 404 });
  });
});
