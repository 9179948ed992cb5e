import { PassThrough } from 'node:stream';
import { eventually } from '../harness/eventually.js';
import { randomContent } from '../harness/random-content.js';
import { Ceph } from './ceph.js';
import { contentOf, MIB, Node, Operations } from './s3-fixture.js';

describe('S3Store and memory', () => {
  let ceph: Ceph;
  let bucket: string;
  beforeAll(async () => {
    ceph = await Ceph.start();
    bucket = await ceph.newBucket();
  });
  afterAll(() => ceph.stop());

  it('lets a slow client take no place of the others', async () => {
    const node = new Node(ceph, { bucket, concurrency: 1, concurrencyPerUpload: 1 });
    const operations = new Operations();
    const slowContent = randomContent('slow', 7 * MIB);
    const slow = await operations.create(node, { size: slowContent.length });
    const body = new PassThrough();
    const appended = operations.append(node, slow, 0, body);
    body.write(slowContent.subarray(0, 6 * MIB));
    await eventually('the slow upload has begun a part', () => node.takeCalls().includes('UploadPart'));
    for (let round = 0; round < 3; round += 1) {
      await operations.createWith(node, randomContent(`fast ${round}`, 12 * MIB));
    }
    body.end(slowContent.subarray(6 * MIB));
    expect(await appended).toBe(slowContent.length);
    expect((await contentOf(node, slow)).equals(slowContent)).toBe(true);
  });

  it('bounds what all uploads have in memory, by storing what the slowest sent', async () => {
    const limit = 4 * MIB;
    const node = new Node(ceph, { bucket, maxBufferedBytes: limit });
    await node.store.init();
    const operations = new Operations();
    const uploads = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const content = randomContent(`many ${index}`, 7 * MIB);
        const body = new PassThrough({ highWaterMark: 64 * 1024 });
        const id = await operations.create(node, { size: content.length });
        return { id, content, body, appended: operations.append(node, id, 0, body) };
      }),
    );
    let most = 0;
    for (let sent = 0; sent < 7 * MIB; sent += 256 * 1024) {
      for (const { content, body } of uploads) {
        for (let at = sent; at < sent + 256 * 1024; at += 64 * 1024) {
          const goesOn = body.write(content.subarray(at, at + 64 * 1024));
          if (!goesOn) await new Promise((resolve) => body.once('drain', resolve));
          most = Math.max(most, node.store.bufferedBytes);
        }
      }
    }
    for (const { body } of uploads) body.end();
    await Promise.all(uploads.map(({ appended }) => appended));
    // One chunk of each upload may come on top.
    expect(most).toBeLessThanOrEqual(limit + 8 * 64 * 1024);
    expect(most).toBeGreaterThan(limit / 2);
    expect(node.store.bufferedBytes).toBe(0);
    for (const { id, content } of uploads) {
      expect((await contentOf(node, id)).equals(content)).toBe(true);
    }
  });

  it('keeps nothing in memory of uploads that failed', async () => {
    const node = new Node(ceph, { bucket }, { maxAttempts: 1 });
    const operations = new Operations();
    const id = await operations.create(node, { size: 30 * MIB });
    node.interfere(async (call, send) => {
      if (call.name === 'UploadPart') throw new Error('refused');
      return send();
    });
    await expect(operations.append(node, id, 0, randomContent('failing', 18 * MIB))).rejects.toThrow();
    expect(node.store.bufferedBytes).toBe(0);
    expect((await operations.info(node, id)).offset).toBe(0);
    await operations.run(id, async (context) => {
      const upload = await node.store.getUpload(id, context);
      await node.store.asTerminatableUpload(upload).terminate(context);
    });
    expect(await ceph.openMultiparts(bucket)).toEqual([]);
  });
});
