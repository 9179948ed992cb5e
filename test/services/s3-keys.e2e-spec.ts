import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { ErrInternalServerError, ErrUploadExists, hasCode } from '@nestjs-tus/core';
import { randomContent } from '../harness/random-content.js';
import { bucketForEachTest } from './s3-bucket.js';
import { contentOf, MIB, Operations } from './s3-fixture.js';

const bucket = bucketForEachTest();

const objectAt = async (Key: string): Promise<Buffer> => {
  const { Body } = await bucket.client.send(new GetObjectCommand({ Bucket: bucket.name, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
};

describe('keys that a hook or a function chooses', () => {
  it.each([100, 6 * MIB])(
    'go to the upload that is finished first; the other one of %d bytes replaces nothing',
    async (size) => {
      const node = bucket.newNode();
      const operations = new Operations();
      const [first, second] = [randomContent('first', 200), randomContent('second', size)];
      const storage = { key: 'users/7/avatar' };
      const late = await operations.create(node, { size: second.length, storage });
      await operations.append(node, late, 0, second.subarray(0, 50));
      const early = await operations.create(node, { size: first.length, storage });
      await operations.append(node, early, 0, first);
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const { offset } = await operations.info(node, late);
        const refused = await operations
          .append(node, late, offset, second.subarray(offset))
          .catch((error: unknown) => error);
        expect(hasCode(refused, ErrUploadExists)).toBe(true);
      }
      expect((await objectAt(storage.key)).equals(first)).toBe(true);
      await operations.run(late, async (context) => {
        const upload = await node.store.getUpload(late, context);
        await node.store.asTerminatableUpload(upload).terminate(context);
      });
      expect((await contentOf(bucket.newNode(), early)).equals(first)).toBe(true);
      expect(await bucket.openMultiparts()).toEqual([]);
    },
  );

  it('are used for an upload whose own attempt at them was lost', async () => {
    const node = bucket.newNode();
    const operations = new Operations();
    const content = randomContent('own', 300);
    const id = await operations.create(node, { size: content.length, storage: { key: 'mine' } });
    await operations.append(node, id, 0, content.subarray(0, 100));
    node.interfere(async (call, send) => {
      await send();
      if (call.input.Key === 'mine') throw Object.assign(new Error('lost'), { name: 'TimeoutError' });
    });
    await expect(operations.append(node, id, 100, content.subarray(100))).rejects.toThrow();
    node.leaveAlone();
    await operations.append(node, id, 100, content.subarray(100));
    expect((await contentOf(bucket.newNode(), id)).equals(content)).toBe(true);
    expect((await objectAt('mine')).equals(content)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a promise', Promise.resolve('later')],
    ['a number', 7],
    ['an empty text', ''],
    ['a slash first', '/key'],
    ['a key of the store itself', 'photo.info'],
    ['a control character', 'a\u0001b'],
    ['half a character', 'a\ud800b'],
    ['more than a key may have', 'k'.repeat(1_025)],
  ])('are refused with a text for the operator when a function gives %s', async (_, key) => {
    const node = bucket.newNode({ key: () => key as string });
    const refused = await new Operations().create(node, { size: 9 }).catch((error: unknown) => error);
    expect(hasCode(refused, ErrInternalServerError)).toBe(true);
    expect(String((refused as Error).cause)).toContain('key');
    expect(await bucket.keys()).toEqual([]);
  });

  it('are refused when the function throws: the cause is for the log', async () => {
    const cause = new Error('no such user');
    const node = bucket.newNode({
      key: () => {
        throw cause;
      },
    });
    const refused = await new Operations().create(node, { size: 9 }).catch((error: unknown) => error);
    expect(refused).toBe(cause);
    expect(await bucket.keys()).toEqual([]);
  });
});

describe('keys below a prefix, by a template', () => {
  it('hold for long ids, concatenation, the list and removal', async () => {
    const node = bucket.newNode({ objectPrefix: 'p'.repeat(700) + '/', key: '{year}/{id}/{id}' });
    const operations = new Operations();
    const contents = [randomContent('one', 6 * MIB), randomContent('two', 100)];
    const ids: string[] = [];
    for (const [index, content] of contents.entries()) {
      const id = `${index}`.repeat(128);
      ids.push(await operations.createWith(node, content, { id, isPartial: true }));
    }
    const size = 6 * MIB + 100;
    const final = { id: 'f'.repeat(128), size, isFinal: true, partialUploads: ids };
    const id = await operations.create(node, final);
    await operations.run(id, async (context) => {
      const upload = await node.store.getUpload(id, context);
      const partials = await Promise.all(ids.map((partial) => node.store.getUpload(partial, {})));
      await node.store.asConcatableUpload(upload).concatUploads(partials, context);
      await upload.finishUpload(context);
    });
    expect((await contentOf(bucket.newNode(), id).catch(() => undefined)) === undefined).toBe(true);
    expect((await contentOf(node, id)).equals(Buffer.concat(contents))).toBe(true);
    const { uploads } = await node.store.list({});
    expect(uploads.map((info) => info.id)).toEqual([...ids, id]);
    for (const gone of [...ids, id]) {
      await operations.run(gone, async (context) => {
        const upload = await node.store.getUpload(gone, context);
        await node.store.asTerminatableUpload(upload).terminate(context);
      });
    }
    expect(await bucket.keys()).toEqual([]);
  });
});

describe('headers of objects', () => {
  it('hold a file name of any length, and a media type only if it is one', async () => {
    const node = bucket.newNode({ object: { contentDisposition: 'attachment' } });
    const metaData = { filename: `${'世'.repeat(2_500)}.bin`, filetype: `a/${'b'.repeat(5_000)}` };
    const id = await new Operations().createWith(node, Buffer.from('abc'), { metaData });
    const head = await bucket.client.send(new HeadObjectCommand({ Bucket: bucket.name, Key: id }));
    expect(head.ContentDisposition).toMatch(/^attachment; filename\*=UTF-8''(%E4%B8%96)+\.bin$/);
    expect(head.ContentDisposition?.length).toBeLessThan(1_100);
    expect(head.ContentType).not.toContain('bbb');
  });

  it('that are none are refused when the upload is created', async () => {
    const wrong: [string, () => unknown][] = [
      ['a promise', () => Promise.resolve({})],
      ['nothing', () => undefined],
      ['an unknown one', () => ({ ContentType: 'a/b' })],
      ['a number', () => ({ cacheControl: 60 })],
      ['a line break', () => ({ cacheControl: 'a\r\nb' })],
      ['eleven tags', () => ({ tags: Object.fromEntries([...'abcdefghijk'].map((tag) => [tag, tag])) })],
      ['too much metadata', () => ({ metadata: { key: 'v'.repeat(2_100) } })],
      ['a key of metadata with a space', () => ({ metadata: { 'a b': 'c' } })],
    ];
    for (const [, object] of wrong) {
      const node = bucket.newNode({ object: object as never });
      const refused = await new Operations().create(node, { size: 9 }).catch((error: unknown) => error);
      expect(hasCode(refused, ErrInternalServerError)).toBe(true);
      expect(String((refused as Error).cause)).toContain('`object`');
    }
    expect(await bucket.keys()).toEqual([]);
  });

  it('that the service does not take are told at start', async () => {
    const node = bucket.newNode({ object: { storageClass: 'NO_SUCH_CLASS' } });
    await expect(node.store.init()).rejects.toThrow(/storageClass|storage class/);
    expect(await bucket.keys()).toEqual([]);
  });
});
