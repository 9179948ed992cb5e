import { execFile } from 'node:child_process';
import { defaultMaxListeners, getEventListeners } from 'node:events';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { MemoryLocker } from '@nestjs-tus/core';
import { eventually, within } from '../harness/eventually.js';
import { randomContent } from '../harness/random-content.js';
import { Ceph } from './ceph.js';
import { contentOf, internalError, MIB, Node, Operations, sourceOf } from './s3-fixture.js';

const run = promisify(execFile);

let ceph: Ceph;
let bucket: string;
beforeAll(async () => {
  ceph = await Ceph.start();
  bucket = await ceph.newBucket();
});
afterAll(() => ceph.stop());

const newNode = (options: Partial<ConstructorParameters<typeof Node>[1]> = {}) =>
  new Node(ceph, { bucket, ...options });

describe('S3Store with little memory', () => {
  it.each([1, 1_000, 200_000])(
    'stores uploads whole with %d bytes for all of them',
    async (maxBufferedBytes) => {
      const node = newNode({ maxBufferedBytes });
      const operations = new Operations();
      const contents = [700_000, 5 * MIB + 1, 6 * MIB].map((size, index) =>
        randomContent(`little ${index}`, size),
      );
      const ids = await Promise.all(contents.map((content) => operations.createWith(node, content)));
      for (const [index, id] of ids.entries()) {
        expect((await contentOf(newNode(), id)).equals(contents[index]!)).toBe(true);
      }
      expect(node.store.bufferedBytes).toBe(0);
      expect((await ceph.keys(bucket)).filter((key) => key.includes('.tail-'))).toEqual([]);
    },
  );

  it('serves fast uploads while a hundred slow ones have used the memory up', async () => {
    const node = newNode({ maxBufferedBytes: 4 * MIB });
    const operations = new Operations();
    const slow = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const content = randomContent(`slow ${index}`, 100_000);
        const body = new PassThrough();
        const id = await operations.create(node, { size: content.length });
        const appended = operations.append(node, id, 0, body);
        body.write(content.subarray(0, 60_000));
        return { id, content, body, appended };
      }),
    );
    const fast = randomContent('fast', 12 * MIB);
    const id = await within('a fast upload', operations.createWith(node, fast), 20_000);
    expect((await contentOf(newNode(), id)).equals(fast)).toBe(true);
    for (const { body, content } of slow) body.end(content.subarray(60_000));
    await Promise.all(slow.map(({ appended }) => appended));
    for (const { id: slowId, content } of slow) {
      expect((await contentOf(newNode(), slowId)).equals(content)).toBe(true);
    }
    expect(node.store.bufferedBytes).toBe(0);
  });

  it.each(['PutObject', 'UploadPart', 'CreateMultipartUpload'])(
    'holds nothing and blocks nobody after calls of %s have failed for many uploads',
    async (name) => {
      const node = newNode({ maxBufferedBytes: 6 * MIB, concurrency: 2 });
      const operations = new Operations();
      const content = randomContent('failing', 12 * MIB);
      const ids = await Promise.all(
        Array.from({ length: 6 }, () => operations.create(node, { size: content.length })),
      );
      node.interfere(async (call, send) => {
        if (call.name === name) throw internalError();
        return send();
      });
      const outcomes = await Promise.allSettled(ids.map((id) => operations.append(node, id, 0, content)));
      expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
      expect(node.store.bufferedBytes).toBe(0);
      node.leaveAlone();
      await Promise.all(
        ids.map(async (id) => {
          const { offset } = await operations.info(node, id);
          await operations.append(node, id, offset, content.subarray(offset));
        }),
      );
      for (const id of ids) expect((await contentOf(newNode(), id)).equals(content)).toBe(true);
      expect(node.store.bufferedBytes).toBe(0);
    },
  );

  it('holds nothing of uploads whose client, or whose lock, is gone in the middle', async () => {
    const node = newNode();
    const operations = new Operations();
    const content = randomContent('gone', 12 * MIB);
    const id = await operations.create(node, { size: content.length });
    const broken = Readable.from(
      (async function* () {
        yield content.subarray(0, 8 * MIB);
        throw new Error('the client is gone');
      })(),
      { objectMode: false },
    );
    expect(await operations.append(node, id, 0, broken)).toBe(8 * MIB);
    const lost = new AbortController();
    const lock = new MemoryLocker().newLock(id);
    await lock.lock(AbortSignal.timeout(1_000), () => undefined);
    const context = { lock, signal: lost.signal };
    const upload = await node.store.getUpload(id, context);
    const body = new PassThrough();
    const written = upload.writeChunk(8 * MIB, body, context).catch((error: unknown) => error);
    body.write(content.subarray(8 * MIB, 9 * MIB));
    await eventually('bytes are in memory', () => node.store.bufferedBytes > 0);
    lost.abort();
    body.destroy();
    expect(await written).toMatchObject({ code: 'ERR_LOCK_LOST' });
    expect(node.store.bufferedBytes).toBe(0);
  });
});

describe('the signal of a lock', () => {
  it('has no listener of S3Store left when an operation is over', async () => {
    const node = newNode({ concurrency: 40, concurrencyPerUpload: 20 });
    const operations = new Operations();
    const content = randomContent('listeners', 100 * MIB);
    const id = await operations.create(node, { size: content.length });
    const { signal } = new AbortController();
    const listeners = () => getEventListeners(signal, 'abort').length;
    let most = 0;
    node.interfere((_call, send) => {
      const sent = send();
      most = Math.max(most, listeners());
      return sent;
    });
    await operations.run(id, async (context) => {
      const upload = await node.store.getUpload(id, context);
      await upload.writeChunk(0, sourceOf(content), { ...context, signal });
    });
    expect(most).toBeGreaterThan(defaultMaxListeners);
    await eventually('all listeners are gone', () => listeners() === 0);
  });

  it('may have so many that Node would warn of them', async () => {
    // In a process of its own: Jest's does not hear of warnings.
    const fixture = join(import.meta.dirname, 's3-many-parts.fixture.mjs');
    const env = { ...process.env, ...ceph.environment() };
    const { stderr } = await run(process.execPath, [fixture, bucket, ceph.endpoint], { env });
    expect(stderr).not.toContain('MaxListeners');
  });
});
