import { ErrLockLost, hasCode, type Lock } from '@nestjs-tus/core';
import type { ConditionalWrites } from '@nestjs-tus/s3-store';
import { randomContent } from '../harness/random-content.js';
import { Ceph } from './ceph.js';
import { type Call, contentOf, inContext, MIB, newInfo, Node } from './s3-fixture.js';
import { appendUnder, heldLock, pauseAt } from './s3-holders.js';

const isPut = ({ name, input }: Call, key: RegExp) => name === 'PutObject' && key.test(input.Key ?? '');
const isRecord = (call: Call) => isPut(call, /\.info(-|$)/);

/** Where a holder stands still: with so much of `size` stored, while it stores so much more. */
const PAUSES = [
  {
    where: 'a part goes up',
    size: 20 * MIB,
    have: 6 * MIB,
    more: 14 * MIB,
    at: ({ name }: Call) => name === 'UploadPart',
  },
  {
    where: 'it opens the parts',
    size: 20 * MIB,
    have: 9,
    more: 14 * MIB,
    at: ({ name }: Call) => name === 'CreateMultipartUpload',
  },
  { where: 'it commits', size: 20 * MIB, have: 6 * MIB, more: 14 * MIB, at: isRecord },
  {
    where: 'a tail goes up',
    size: 20 * MIB,
    have: 6 * MIB,
    more: 9,
    at: (call: Call) => isPut(call, /\.tail-/),
  },
  {
    where: 'the whole object goes up',
    size: 4 * MIB,
    have: 9,
    more: 4 * MIB - 9,
    at: (call: Call) => isPut(call, /^[^.]+$/),
  },
];

describe.each<ConditionalWrites>(['if-match-bare', 'generations'])('fencing by %s', (conditionalWrites) => {
  let ceph: Ceph;
  let bucket: string;
  beforeAll(async () => {
    ceph = await Ceph.start();
    bucket = await ceph.newBucket();
  });
  afterAll(() => ceph.stop());

  const newNode = () => new Node(ceph, { bucket, conditionalWrites });

  const append = (node: Node, id: string, offset: number, content: Buffer, lock: Lock) =>
    appendUnder(lock, node, id, offset, content);

  /** An upload that has its first bytes. */
  const started = async (node: Node, size: number, first: Buffer) => {
    const { id } = await inContext(undefined, async (context) =>
      (await node.store.newUpload(newInfo({ size }), context)).getInfo(context),
    );
    await append(node, id, 0, first, heldLock('t0'));
    return id;
  };

  it.each(PAUSES)('a holder that stands still when $where, and wakes up, changes nothing', async (pause) => {
    const [stopped, other] = [newNode(), newNode()];
    const first = randomContent('first', pause.have);
    const id = await started(stopped, pause.size, first);

    const { paused, wake } = pauseAt(stopped, pause.at);
    const late = append(stopped, id, pause.have, randomContent('late', pause.more), heldLock('t1', 't0'));
    const failure = late.catch((error: unknown) => error);
    await paused;
    const rest = randomContent('rest', pause.size - pause.have);
    expect(await append(other, id, pause.have, rest, heldLock('t2', 't1', true))).toBe(rest.length);
    wake();

    expect(hasCode(await failure, ErrLockLost)).toBe(true);
    const whole = Buffer.concat([first, rest]);
    expect((await contentOf(other, id)).equals(whole)).toBe(true);
    expect((await contentOf(newNode(), id)).equals(whole)).toBe(true);
  });

  it('a holder that stands still before it completes the parts, and wakes up, changes nothing', async () => {
    const [stopped, other] = [newNode(), newNode()];
    const whole = randomContent('whole', 12 * MIB);
    const id = await started(stopped, whole.length, whole.subarray(0, 6 * MIB));
    const { paused, wake } = pauseAt(stopped, ({ name }) => name === 'CompleteMultipartUpload');
    const late = append(stopped, id, 6 * MIB, whole.subarray(6 * MIB), heldLock('t1', 't0'));
    const failure = late.catch((error: unknown) => error);
    await paused;
    await inContext(heldLock('t2', 't1', true), async (context) => {
      const upload = await other.store.getUpload(id, context);
      expect(await upload.getInfo(context)).toMatchObject({ offset: whole.length, state: 'receiving' });
      await upload.finishUpload(context);
    });
    wake();
    expect(hasCode(await failure, ErrLockLost)).toBe(true);
    expect((await contentOf(other, id)).equals(whole)).toBe(true);
  });

  it('parts of a holder that wakes up while the next one is at work overwrite none of its parts', async () => {
    const [stopped, other] = [newNode(), newNode()];
    const whole = randomContent('whole', 20 * MIB);
    // Without a tail, so that the late part has all its bytes in memory.
    const id = await started(stopped, whole.length, whole.subarray(0, 5 * MIB));
    const { paused, wake } = pauseAt(stopped, ({ name }) => name === 'UploadPart');
    const late = append(stopped, id, 5 * MIB, randomContent('late', 10 * MIB), heldLock('t1', 't0'));
    const failure = late.catch((error: unknown) => error);
    await paused;
    await append(other, id, 5 * MIB, whole.subarray(5 * MIB, 15 * MIB), heldLock('t2', 't1', true));
    wake();
    expect(hasCode(await failure, ErrLockLost)).toBe(true);
    await append(other, id, 15 * MIB, whole.subarray(15 * MIB), heldLock('t3', 't2'));
    expect((await contentOf(newNode(), id)).equals(whole)).toBe(true);
  });

  it('commits nothing once the lock is lost', async () => {
    const node = newNode();
    const id = await started(node, 20 * MIB, randomContent('first', 9));
    const lost = new AbortController();
    const lock: Lock = { ...heldLock('t1', 't0'), lost: lost.signal };
    const { paused, wake } = pauseAt(node, ({ name }) => name === 'UploadPart');
    const failure = append(node, id, 9, randomContent('late', 6 * MIB), lock).catch(
      (error: unknown) => error,
    );
    await paused;
    lost.abort();
    wake();
    expect(hasCode(await failure, ErrLockLost)).toBe(true);
    expect(await (await node.store.getUpload(id, {})).getInfo({})).toMatchObject({ offset: 9 });
  });

  it('one of two nodes that commit at the same time is refused', async () => {
    const both = [newNode(), newNode()] as const;
    const id = await started(both[0], 20 * MIB, randomContent('first', 9));
    const pauses = both.map((node) => pauseAt(node, isRecord));
    const appended = both.map((node) =>
      append(node, id, 9, randomContent('more', 100), heldLock('t1')).catch((error: unknown) => error),
    );
    for (const { paused } of pauses) await paused;
    for (const { wake } of pauses) wake();
    const [first, second] = await Promise.all(appended);
    expect([first, second].filter((outcome) => outcome === 100)).toHaveLength(1);
    expect([first, second].filter((outcome) => hasCode(outcome, ErrLockLost))).toHaveLength(1);
  });

  it('a removed upload stays removed when a holder that stood still goes on', async () => {
    const [stopped, other] = [newNode(), newNode()];
    const id = await started(stopped, 20 * MIB, randomContent('first', 6 * MIB));
    const { paused, wake } = pauseAt(stopped, isRecord);
    const late = append(stopped, id, 6 * MIB, randomContent('late', 6 * MIB), heldLock('t1', 't0'));
    const failure = late.catch((error: unknown) => error);
    await paused;
    await inContext(heldLock('t2', 't1', true), async (context) => {
      const upload = await other.store.getUpload(id, context);
      await other.store.asTerminatableUpload(upload).terminate(context);
    });
    wake();
    expect(hasCode(await failure, ErrLockLost)).toBe(true);
    await expect(newNode().store.getUpload(id, {})).rejects.toMatchObject({ status: 404 });
  });
});
