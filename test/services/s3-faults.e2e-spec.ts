import { ErrInsufficientStorage, ErrStorageUnavailable, hasCode } from '@nestjs-tus/core';
import { S3Store } from '@nestjs-tus/s3-store';
import { randomContent } from '../harness/random-content.js';
import { Ceph } from './ceph.js';
import { type Call, contentOf, internalError, MIB, Node, Operations } from './s3-fixture.js';

let ceph: Ceph;
let bucket: string;
beforeAll(async () => {
  ceph = await Ceph.start();
  bucket = await ceph.newBucket();
});
afterAll(() => ceph.stop());

const newNode = (options: Partial<ConstructorParameters<typeof Node>[1]> = {}) =>
  new Node(ceph, { bucket, requestTimeout: 1_500, ...options });

const isRecord = ({ name, input }: Call) => name === 'PutObject' && /\.info$/.test(input.Key ?? '');
const isTail = ({ name, input }: Call) => name === 'PutObject' && /\.tail-/.test(input.Key ?? '');

/** Sends what is missing, as a client does: asks for the offset, and goes on there, until all is stored. */
async function sendAll(node: Node, operations: Operations, id: string, content: Buffer): Promise<void> {
  for (;;) {
    const { offset, state } = await operations.info(node, id);
    if (offset === content.length) {
      if (state === 'receiving') await operations.append(node, id, offset, Buffer.alloc(0));
      return;
    }
    await operations.append(node, id, offset, content.subarray(offset));
  }
}

describe('S3Store when calls fail', () => {
  it('leaves no gap when a part in the middle fails, and goes on at the end of the first', async () => {
    const node = newNode();
    const operations = new Operations();
    const content = randomContent('gap', 22 * MIB);
    const id = await operations.create(node, { size: content.length });
    node.interfere(async (call, send) => {
      if (call.name === 'UploadPart' && call.input.PartNumber === 2) throw internalError();
      return send();
    });
    const failed = await operations.append(node, id, 0, content).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: ErrStorageUnavailable.code, bytesWritten: 5 * MIB });
    node.leaveAlone();
    expect((await operations.info(node, id)).offset).toBe(5 * MIB);
    expect((await operations.info(newNode(), id)).offset).toBe(5 * MIB);
    await sendAll(node, operations, id, content);
    expect((await contentOf(newNode(), id)).equals(content)).toBe(true);
  });

  it('keeps an acknowledged tail when the part that replaces it fails, or its commit', async () => {
    for (const fails of [({ name }: Call) => name === 'UploadPart', isRecord]) {
      const node = newNode();
      const operations = new Operations();
      const content = randomContent('tail', 12 * MIB);
      const id = await operations.create(node, { size: content.length });
      await operations.append(node, id, 0, content.subarray(0, 3 * MIB));
      node.interfere(async (call, send) => {
        if (fails(call)) throw internalError();
        return send();
      });
      const failed = await operations
        .append(node, id, 3 * MIB, content.subarray(3 * MIB, 9 * MIB))
        .catch((error: unknown) => error);
      expect(hasCode(failed, ErrStorageUnavailable)).toBe(true);
      node.leaveAlone();
      expect((await operations.info(newNode(), id)).offset).toBe(3 * MIB);
      await sendAll(node, operations, id, content);
      expect((await contentOf(newNode(), id)).equals(content)).toBe(true);
    }
  });

  it('counts a commit whose answer was lost', async () => {
    const node = newNode();
    const operations = new Operations();
    const content = randomContent('answer', 9_000);
    const id = await operations.create(node, { size: content.length });
    let lost = 0;
    node.interfere(async (call, send) => {
      const answer = await send();
      if (isRecord(call) && (lost += 1) === 1) return send();
      return answer;
    });
    expect(await operations.append(node, id, 0, content.subarray(0, 5_000))).toBe(5_000);
    node.interfere(async (call, send) => {
      const answer = await send();
      if (isRecord(call)) throw internalError();
      return answer;
    });
    const failed = await operations
      .append(node, id, 5_000, content.subarray(5_000, 7_000))
      .catch((error: unknown) => error);
    expect(hasCode(failed, ErrStorageUnavailable)).toBe(true);
    node.leaveAlone();
    expect((await operations.info(node, id)).offset).toBe(7_000);
    await sendAll(node, operations, id, content);
    expect((await contentOf(newNode(), id)).equals(content)).toBe(true);
  });

  it('finishes later when completing failed, whether it was done or not', async () => {
    for (const isDone of [false, true]) {
      const node = newNode();
      const operations = new Operations();
      const content = randomContent('complete', 12 * MIB);
      const id = await operations.create(node, { size: content.length });
      node.interfere(async (call, send) => {
        // So that it cannot be settled within the request.
        if (call.name === 'ListParts') throw internalError();
        if (call.name !== 'CompleteMultipartUpload') return send();
        if (isDone) await send();
        throw internalError();
      });
      const failed = await operations.append(node, id, 0, content).catch((error: unknown) => error);
      expect(hasCode(failed, ErrStorageUnavailable)).toBe(true);
      node.leaveAlone();
      expect(await operations.info(newNode(), id)).toMatchObject({
        offset: content.length,
        state: 'receiving',
      });
      await sendAll(node, operations, id, content);
      expect((await operations.info(newNode(), id)).state).toBeUndefined();
      expect((await contentOf(newNode(), id)).equals(content)).toBe(true);
    }
  });

  it('finishes a removal that was cut off, and offers nothing of the upload meanwhile', async () => {
    const own = await ceph.newBucket();
    const node = newNode({ bucket: own });
    const operations = new Operations();
    const ids = [
      await operations.createWith(node, randomContent('asked for', 6 * MIB)),
      await operations.createWith(node, randomContent('swept', 6 * MIB)),
    ];
    node.interfere(async (call, send) => {
      if (call.name === 'DeleteObject') throw internalError();
      return send();
    });
    for (const id of ids) {
      const removed = operations.run(id, async (context) => {
        const upload = await node.store.getUpload(id, context);
        await node.store.asTerminatableUpload(upload).terminate(context);
      });
      await expect(removed).rejects.toMatchObject({ code: ErrStorageUnavailable.code });
    }
    node.leaveAlone();
    const other = newNode({ bucket: own });
    expect((await other.store.list({})).uploads).toEqual([]);
    await expect(contentOf(other, ids[0]!)).rejects.toMatchObject({ status: 404 });
    const swept = await other.store.list({ expiresBefore: new Date() });
    expect(swept.uploads.map(({ id }) => id).sort()).toEqual([...ids].sort());
    for (const id of ids) await expect(operations.info(other, id)).rejects.toMatchObject({ status: 404 });
    expect(await ceph.keys(own)).toEqual([]);
  });

  it('says that the bucket is full, and keeps the truth', async () => {
    const node = newNode();
    const operations = new Operations();
    const content = randomContent('full', 12 * MIB);
    const id = await operations.create(node, { size: content.length });
    await operations.append(node, id, 0, content.subarray(0, 6 * MIB));
    node.interfere(async (call, send) => {
      if (call.name === 'UploadPart') throw Object.assign(new Error('full'), { name: 'QuotaExceeded' });
      return send();
    });
    const failed = await operations
      .append(node, id, 6 * MIB, content.subarray(6 * MIB))
      .catch((error: unknown) => error);
    expect(hasCode(failed, ErrInsufficientStorage)).toBe(true);
    node.leaveAlone();
    await sendAll(node, operations, id, content);
    expect((await contentOf(newNode(), id)).equals(content)).toBe(true);
  });
});

describe('S3Store when the quota is used up', () => {
  const quota = (...args: string[]) => ceph.admin('quota', ...args, '--quota-scope=user', '--uid=test');

  it('says so, keeps the truth, and can still remove uploads', async () => {
    const node = newNode();
    const operations = new Operations();
    const content = randomContent('quota', 12 * MIB);
    const id = await operations.create(node, { size: content.length });
    await operations.append(node, id, 0, content.subarray(0, 6 * MIB));
    const other = await operations.create(node, { size: content.length });
    await quota('set', '--max-size=1');
    await quota('enable');
    const failed = await operations
      .append(node, id, 6 * MIB, content.subarray(6 * MIB))
      .catch((error: unknown) => error);
    expect(hasCode(failed, ErrInsufficientStorage)).toBe(true);
    expect((await operations.info(newNode({ conditionalWrites: 'if-match-bare' }), id)).offset).toBe(6 * MIB);
    await operations.run(other, async (context) => {
      const upload = await node.store.getUpload(other, context);
      await node.store.asTerminatableUpload(upload).terminate(context);
    });
    await quota('disable');
    await sendAll(node, operations, id, content);
    expect((await contentOf(newNode(), id)).equals(content)).toBe(true);
  });
});

describe('S3Store when the gateway fails', () => {
  const restart = async () => {
    await ceph.startGateway();
  };
  const POINTS: [string, (call: Call) => boolean][] = [
    ['in the middle of the parts', ({ name, input }) => name === 'UploadPart' && input.PartNumber === 2],
    ['before the parts are completed', ({ name }) => name === 'CompleteMultipartUpload'],
    ['before the commit', isRecord],
    ['before a tail goes up', isTail],
  ];

  it.each(POINTS)('tells the truth after it was killed %s, and finishes when it is back', async (_, at) => {
    await failAt(at, () => ceph.signalGateway('SIGKILL'), restart);
  });

  it.each(POINTS)('tells the truth after it hung %s, and finishes when it goes on', async (_, at) => {
    await failAt(
      at,
      () => ceph.signalGateway('SIGSTOP'),
      () => ceph.signalGateway('SIGCONT'),
    );
  });

  async function failAt(at: (call: Call) => boolean, fail: () => Promise<void>, mend: () => Promise<void>) {
    const once = { maxAttempts: 1 };
    const node = new Node(ceph, { bucket, requestTimeout: 1_000 }, once);
    const operations = new Operations();
    const content = randomContent('gateway', 18 * MIB);
    const id = await operations.create(node, { size: content.length });
    const acknowledged = await operations.append(node, id, 0, content.subarray(0, 2 * MIB));
    let hasFailed = false;
    node.interfere(async (call, send) => {
      if (at(call) && !hasFailed) {
        hasFailed = true;
        await fail();
      }
      return send();
    });
    // A chunk that ends in a tail, or all of it.
    const end = at === isTail ? 8 * MIB : content.length;
    const failed = await operations
      .append(node, id, acknowledged, content.subarray(acknowledged, end))
      .catch((error: unknown) => error);
    expect(hasFailed).toBe(true);
    expect(hasCode(failed, ErrStorageUnavailable)).toBe(true);
    const other = new Node(ceph, { bucket, requestTimeout: 1_000 }, once);
    const asked = await operations.info(other, id).catch((error: unknown) => error);
    expect(hasCode(asked, ErrStorageUnavailable)).toBe(true);
    await mend();
    node.leaveAlone();
    expect((await operations.info(newNode(), id)).offset).toBeGreaterThanOrEqual(acknowledged);
    await sendAll(node, operations, id, content);
    expect((await contentOf(newNode(), id)).equals(content)).toBe(true);
  }
});

describe('S3Store at start', () => {
  const problemOf = async (options: ConstructorParameters<typeof S3Store>[0]) => {
    const store = new S3Store(options);
    const problem = await store.init().catch((error: unknown) => error);
    await store.close();
    return String(problem);
  };

  it('tells the operator what is wrong', async () => {
    const clientConfig = ceph.clientConfig();
    const credentials = { accessKeyId: 'testaccesskey', secretAccessKey: 'wrong' };
    const unknown = { accessKeyId: 'nobody', secretAccessKey: 'wrong' };
    const hour = 60 * 60 * 1_000;
    expect(await problemOf({ bucket: 'nowhere', clientConfig })).toContain(
      'the bucket "nowhere" does not exist',
    );
    expect(await problemOf({ bucket, clientConfig: { ...clientConfig, credentials } })).toContain(
      'the secret key is wrong',
    );
    expect(await problemOf({ bucket, clientConfig: { ...clientConfig, credentials: unknown } })).toContain(
      'does not know the access key',
    );
    expect(await problemOf({ bucket, clientConfig: { ...clientConfig, systemClockOffset: hour } })).toContain(
      "machine's clock",
    );
    const endpoint = 'http://127.0.0.1:9';
    expect(
      await problemOf({ bucket, clientConfig: { ...clientConfig, endpoint, maxAttempts: 1 } }),
    ).toContain('is not reached');
  });

  it('finds out that this gateway wants ETags without quotes, and leaves nothing behind', async () => {
    const own = await ceph.newBucket();
    const node = new Node(ceph, { bucket: own });
    await node.store.init();
    expect(await ceph.keys(own)).toEqual([]);
    const operations = new Operations();
    const id = await operations.create(node, { size: 9 });
    await operations.append(node, id, 0, Buffer.from('abc'));
    expect(await ceph.keys(own)).toContain(`${id}.info`);
  });
});
