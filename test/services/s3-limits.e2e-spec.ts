import { ListPartsCommand } from '@aws-sdk/client-s3';
import { errors, ErrMaxSizeExceeded, hasCode } from '@nestjs-tus/core';
import { randomContent, randomNumbers } from '../harness/random-content.js';
import { bucketForEachTest } from './s3-bucket.js';
import { contentOf, inContext, MIB, newInfo, type Node, Operations, sourceOf } from './s3-fixture.js';
import { appendUnder, heldLock } from './s3-holders.js';

const bucket = bucketForEachTest();

async function finishAs(node: Node, operations: Operations, id: string, length: number): Promise<void> {
  await operations.run(id, async (context) => {
    const upload = await node.store.getUpload(id, context);
    await node.store.asLengthDeclarableUpload(upload).declareLength(length, context);
    await upload.finishUpload(context);
  });
}

describe('an upload without a length', () => {
  it('gets larger parts as it grows, and so goes beyond parts of the smallest size', async () => {
    const node = bucket.newNode({ maxParts: 6 });
    const operations = new Operations();
    const content = randomContent('growing', 60 * MIB);
    const id = await operations.create(node, { sizeIsDeferred: true });
    for (let offset = 0; offset < content.length;) {
      offset = await operations.append(node, id, offset, content.subarray(offset, offset + 7 * MIB));
    }
    await finishAs(node, operations, id, content.length);
    expect((await contentOf(bucket.newNode(), id)).equals(content)).toBe(true);
  });

  it('is told when the service takes no more parts, and is whole with what it has', async () => {
    const node = bucket.newNode({ maxParts: 3, equalParts: true });
    const operations = new Operations();
    const content = randomContent('too much', 21 * MIB);
    const id = await operations.create(node, { sizeIsDeferred: true });
    const refused = await operations.append(node, id, 0, content).catch((error: unknown) => error);
    expect(hasCode(refused, ErrMaxSizeExceeded)).toBe(true);
    expect((await operations.info(bucket.newNode(), id)).offset).toBe(15 * MIB);
    expect(node.store.bufferedBytes).toBe(0);
    await finishAs(node, operations, id, 15 * MIB);
    expect((await contentOf(bucket.newNode(), id)).equals(content.subarray(0, 15 * MIB))).toBe(true);
  });
});

describe('equal parts', () => {
  it('are equal after tails, refused checksums, takeovers and failures', async () => {
    const content = randomContent('equal', 43 * MIB);
    const random = randomNumbers('equal');
    const { id } = await inContext(undefined, async (context) =>
      (await bucket.newNode().store.newUpload(newInfo({ size: content.length }), context)).getInfo(context),
    );
    const sizes: number[][] = [];
    for (let offset = 0, turn = 1; offset < content.length; turn += 1) {
      const node = bucket.newNode({ equalParts: true });
      node.interfere(async (call, send) => {
        const { UploadId } = call.input as { UploadId?: string };
        if (call.name === 'UploadPart' && random() < 0.1)
          throw Object.assign(new Error(), { name: 'TimeoutError' });
        if (call.name === 'CompleteMultipartUpload') {
          const { Parts = [] } = await bucket.client.send(
            new ListPartsCommand({ Bucket: bucket.name, Key: id, UploadId }),
          );
          const given = (call.input as { MultipartUpload: { Parts: { PartNumber: number }[] } })
            .MultipartUpload.Parts;
          const named = new Set(given.map(({ PartNumber }) => PartNumber));
          sizes.push(Parts.filter(({ PartNumber = 0 }) => named.has(PartNumber)).map(({ Size = 0 }) => Size));
        }
        return send();
      });
      const isTakenOver = random() < 0.3;
      const lock = heldLock(`t${turn}`, `t${turn - 1}`, isTakenOver);
      const end = Math.min(content.length, offset + Math.ceil(random() * 9 * MIB));
      if (random() < 0.4) {
        await inContext(heldLock(`w${turn}`, `t${turn - 1}`), async (context) => {
          const upload = await node.store.getUpload(id, context);
          const wrong = sourceOf(randomContent('wrong', end - offset));
          const verify = () => Promise.reject(errors.checksumMismatch());
          await node.store
            .asVerifiableUpload(upload)
            .writeVerifiedChunk(offset, wrong, verify, context)
            .catch(() => undefined);
        });
      }
      await appendUnder(lock, node, id, offset, content.subarray(offset, end)).catch(() => undefined);
      const { offset: stored, state } = await (await bucket.newNode().store.getUpload(id, {})).getInfo({});
      offset = stored;
      if (state === 'receiving') {
        const left = heldLock(`f${turn}`, `t${turn}`);
        await appendUnder(left, bucket.newNode({ equalParts: true }), id, offset, Buffer.alloc(0)).catch(
          () => undefined,
        );
      }
    }
    expect((await contentOf(bucket.newNode(), id)).equals(content)).toBe(true);
    const last = sizes.at(-1) ?? [];
    expect(last.slice(0, -1).every((size) => size === last[0])).toBe(true);
    expect(last.reduce((sum, size) => sum + size, 0)).toBe(content.length);
  });
});

describe('final uploads', () => {
  async function join(
    node: Node,
    contents: readonly Buffer[],
    disturb?: (ids: string[]) => void,
  ): Promise<string> {
    const operations = new Operations();
    const ids: string[] = [];
    for (const content of contents) ids.push(await operations.createWith(node, content, { isPartial: true }));
    const size = contents.reduce((sum, { length }) => sum + length, 0);
    const id = await operations.create(node, { size, isFinal: true, partialUploads: ids });
    disturb?.(ids);
    await operations.run(id, async (context) => {
      const final = await node.store.getUpload(id, context);
      const partials = await Promise.all(ids.map((partial) => node.store.getUpload(partial, {})));
      await node.store.asConcatableUpload(final).concatUploads(partials, context);
      await final.finishUpload(context);
    });
    return id;
  }

  it.each<[string, number[]]>([
    ['one', [6 * MIB]],
    ['one that is small', [10]],
    ['one that is empty', [0]],
    ['empty ones and a small one', [0, 10, 0]],
    ['a large one between small ones', [10, 11 * MIB, 10]],
    ['many small ones', Array<number>(40).fill(300_000)],
    ['a small one at the end', [6 * MIB, 1]],
  ])('hold %s', async (_, sizes) => {
    for (const equalParts of [false, true]) {
      const contents = sizes.map((size, index) => randomContent(`part ${index}`, size));
      const id = await join(bucket.newNode({ equalParts }), contents);
      expect((await contentOf(bucket.newNode(), id)).equals(Buffer.concat(contents))).toBe(true);
    }
    expect(await bucket.openMultiparts()).toEqual([]);
  });

  it('are not made when a part of them is removed meanwhile, and leave nothing behind', async () => {
    const node = bucket.newNode();
    const other = bucket.newNode();
    const contents = [randomContent('one', 6 * MIB), randomContent('two', 6 * MIB)];
    const joined = join(node, contents, (ids) => {
      let copied = 0;
      node.interfere(async (call, send) => {
        if (call.name === 'UploadPartCopy' && (copied += 1) === 2) {
          await inContext(heldLock('removed'), async (context) => {
            const upload = await other.store.getUpload(ids[0]!, context);
            await other.store.asTerminatableUpload(upload).terminate(context);
          });
          await inContext(heldLock('removed'), async (context) => {
            const upload = await other.store.getUpload(ids[1]!, context);
            await other.store.asTerminatableUpload(upload).terminate(context);
          });
        }
        return send();
      });
    });
    await expect(joined).rejects.toMatchObject({ status: 404 });
    expect(await bucket.openMultiparts()).toEqual([]);
  });
});
