import { UploadPartCommand } from '@aws-sdk/client-s3';
import { ErrLockLost, ErrStorageUnavailable, hasCode } from '@nestjs-tus/core';
import { randomContent } from '../harness/random-content.js';
import { bucketForEachTest } from './s3-bucket.js';
import { contentOf, inContext, internalError, MIB, newInfo, type Node } from './s3-fixture.js';
import { appendUnder, heldLock, offsetUnder, pauseAt } from './s3-holders.js';

const bucket = bucketForEachTest();

/** An upload that has its first bytes, stored under the lock `t0`. */
async function started(node: Node, size: number, first: Buffer): Promise<string> {
  const { id } = await inContext(undefined, async (context) =>
    (await node.store.newUpload(newInfo({ size }), context)).getInfo(context),
  );
  await appendUnder(heldLock('t0'), node, id, 0, first);
  return id;
}

/** A part as a call that was given up, and reaches the service all the same, brings it. */
async function latePart(id: string, PartNumber: number, Body: Buffer): Promise<void> {
  const [UploadId] = await bucket.openMultiparts();
  await bucket.client.send(
    new UploadPartCommand({ Bucket: bucket.name, Key: id, UploadId, PartNumber, Body }),
  );
}

describe('part numbers', () => {
  it('of a holder that was replaced are left out by the next one, also when it has only looked before', async () => {
    const [stopped, other] = [bucket.newNode(), bucket.newNode()];
    const whole = randomContent('whole', 20 * MIB);
    const id = await started(stopped, whole.length, whole.subarray(0, 5 * MIB));
    const { paused, wake } = pauseAt(stopped, ({ name }) => name === 'UploadPart');
    const late = appendUnder(heldLock('t1', 't0'), stopped, id, 5 * MIB, randomContent('late', 10 * MIB));
    const failure = late.catch((error: unknown) => error);
    await paused;
    expect(await offsetUnder(heldLock('t2', 't1', true), other, id)).toBe(5 * MIB);
    await appendUnder(heldLock('t3', 't2'), other, id, 5 * MIB, whole.subarray(5 * MIB, 15 * MIB));
    wake();
    expect(hasCode(await failure, ErrLockLost)).toBe(true);
    await appendUnder(heldLock('t4', 't3'), other, id, 15 * MIB, whole.subarray(15 * MIB));
    expect((await contentOf(bucket.newNode(), id)).equals(whole)).toBe(true);
  });

  it('of a request whose part failed are not used again: the part may arrive late', async () => {
    const node = bucket.newNode();
    const whole = randomContent('whole', 20 * MIB);
    const id = await started(node, whole.length, whole.subarray(0, 5 * MIB));
    let failed = 0;
    node.interfere(async (call, send) => {
      if (call.name !== 'UploadPart') return send();
      failed = call.input.PartNumber ?? 0;
      throw internalError();
    });
    await expect(
      appendUnder(heldLock('t1', 't0'), node, id, 5 * MIB, randomContent('late', 5 * MIB)),
    ).rejects.toThrow();
    node.leaveAlone();
    await appendUnder(heldLock('t2', 't1'), node, id, 5 * MIB, whole.subarray(5 * MIB, 10 * MIB));
    await latePart(id, failed, randomContent('late', 5 * MIB));
    await appendUnder(heldLock('t3', 't2'), node, id, 10 * MIB, whole.subarray(10 * MIB));
    expect((await contentOf(bucket.newNode(), id)).equals(whole)).toBe(true);
  });

  it('that takeovers have used up are given out again, after what is stored was copied', async () => {
    const whole = randomContent('whole', 40 * MIB);
    const options = { maxParts: 100 };
    const id = await started(bucket.newNode(options), whole.length, whole.subarray(0, 5 * MIB));
    let failures = 0;
    for (let offset = 5 * MIB, turn = 1; offset < whole.length; turn += 1) {
      const node = bucket.newNode(options);
      node.interfere(async (call, send) => {
        if (call.name === 'UploadPartCopy' && (failures += 1) === 1) throw internalError();
        return send();
      });
      // Somebody else has held the lock since, and nobody knows what became of it.
      const lock = heldLock(`t${turn}`, `lost${turn}`, true);
      const chunk = whole.subarray(offset, offset + 5 * MIB);
      await appendUnder(lock, node, id, offset, chunk).catch((error: unknown) => {
        if (!hasCode(error, ErrStorageUnavailable)) throw error;
      });
      offset = await offsetUnder(heldLock('look'), bucket.newNode(options), id);
    }
    expect(failures).toBeGreaterThan(1);
    expect((await contentOf(bucket.newNode(options), id)).equals(whole)).toBe(true);
    expect(await bucket.openMultiparts()).toEqual([]);
  });
});

describe('parts that do not count', () => {
  /** An upload of three parts, and a stray one. */
  async function withStray(node: Node, whole: Buffer): Promise<string> {
    const id = await started(node, whole.length, whole.subarray(0, 10 * MIB));
    await latePart(id, 20, randomContent('stray', 5 * MIB));
    return id;
  }

  it('and come while all parts are being completed are left out, too', async () => {
    const node = bucket.newNode();
    const whole = randomContent('whole', 15 * MIB);
    const id = await withStray(node, whole);
    let hasCome = false;
    node.interfere(async (call, send) => {
      const answer = await send();
      if (call.name === 'ListParts' && !hasCome) {
        hasCome = true;
        await latePart(id, 21, randomContent('another', 5 * MIB));
      }
      return answer;
    });
    await appendUnder(heldLock('t1', 't0'), node, id, 10 * MIB, whole.subarray(10 * MIB));
    expect(hasCome).toBe(true);
    expect((await contentOf(bucket.newNode(), id)).equals(whole)).toBe(true);
    expect(await bucket.openMultiparts()).toEqual([]);
  });

  it('leave no multipart upload behind when copying what counts fails', async () => {
    const node = bucket.newNode();
    const whole = randomContent('whole', 15 * MIB);
    const id = await withStray(node, whole);
    node.interfere(async (call, send) => {
      if (call.name === 'UploadPartCopy') throw internalError();
      return send();
    });
    const failed = appendUnder(heldLock('t1', 't0'), node, id, 10 * MIB, whole.subarray(10 * MIB));
    await expect(failed).rejects.toThrow();
    expect(await bucket.openMultiparts()).toEqual([]);
    node.leaveAlone();
    await appendUnder(heldLock('t2', 't1'), node, id, 15 * MIB, Buffer.alloc(0));
    expect((await contentOf(bucket.newNode(), id)).equals(whole)).toBe(true);
  });
});
