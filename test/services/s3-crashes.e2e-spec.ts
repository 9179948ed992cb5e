import { errors } from '@nestjs-tus/core';
import type { ConditionalWrites } from '@nestjs-tus/s3-store';
import { randomContent } from '../harness/random-content.js';
import { Ceph } from './ceph.js';
import { contentOf, inContext, MIB, newInfo, Node, sourceOf } from './s3-fixture.js';
import { heldLock } from './s3-holders.js';

const SIZE = 11 * MIB;
const content = randomContent('crashes', SIZE);

/** What a node does with an upload under a lock, until it dies; `done` is told what it has acknowledged. */
type Work = (node: Node, id: string, done: (offset: number) => void) => Promise<void>;

const append =
  (from: number, to: number, isChecked = false): Work =>
  async (node, id, done) => {
    await inContext(heldLock(`${from}`, `before ${from}`), async (context) => {
      const upload = await node.store.getUpload(id, context);
      const source = sourceOf(content.subarray(from, to));
      if (isChecked) {
        const verifiable = node.store.asVerifiableUpload(upload);
        await verifiable.writeVerifiedChunk(from, source, () => Promise.resolve(), context);
      } else await upload.writeChunk(from, source, context);
      if (to === SIZE) await upload.finishUpload(context);
    });
    done(to);
  };

const refuse: Work = (node, id) =>
  inContext(heldLock('refused', 'before'), async (context) => {
    const upload = await node.store.getUpload(id, context);
    const source = sourceOf(randomContent('wrong', 6 * MIB));
    const verify = () => Promise.reject(errors.checksumMismatch());
    await node.store
      .asVerifiableUpload(upload)
      .writeVerifiedChunk(2 * MIB, source, verify, context)
      .catch(() => undefined);
  });

const terminate: Work = (node, id) =>
  inContext(heldLock('removed', 'before'), async (context) => {
    const upload = await node.store.getUpload(id, context);
    await node.store.asTerminatableUpload(upload).terminate(context);
  });

/** Runs `work` on a node that dies when the service has done its call number `at`. False when there are not so many calls. */
async function diesAfter(node: Node, at: number, work: () => Promise<void>): Promise<boolean> {
  let calls = 0;
  let isDead = false;
  let die = (): void => undefined;
  const dead = new Promise<true>((resolve) => (die = () => resolve(true)));
  const never = new Promise<never>(() => undefined);
  node.interfere(async (_call, send) => {
    calls += 1;
    if (isDead) return never;
    if (calls !== at) return send();
    // A 304 is an error, too.
    await send().catch(() => undefined);
    isDead = true;
    die();
    return never;
  });
  return Promise.race([dead, work().then(() => false)]);
}

let ceph: Ceph;
beforeAll(async () => {
  ceph = await Ceph.start();
});
afterAll(() => ceph.stop());

describe.each<ConditionalWrites>(['if-match-bare', 'generations'])(
  'a process that dies at any of its calls, with %s,',
  (conditionalWrites) => {
    let bucket: string;
    const newNode = () => new Node(ceph, { bucket, conditionalWrites, maxBufferedBytes: 3 * MIB });

    /** For each call of `work`: an upload that is begun by `begin`, and the death of the node after that call. */
    async function atEachCall(
      begin: Work,
      work: Work,
      examine: (id: string, acknowledged: number) => Promise<void>,
    ): Promise<void> {
      for (let at = 1, goesOn = true; goesOn; at += 1) {
        bucket = await ceph.newBucket();
        const node = newNode();
        const id = newInfo().id;
        await inContext(undefined, (context) => node.store.newUpload(newInfo({ id, size: SIZE }), context));
        let acknowledged = 0;
        const acknowledge = (offset: number) => void (acknowledged = offset);
        await begin(node, id, acknowledge);
        goesOn = await diesAfter(node, at, () => work(node, id, acknowledge));
        await examine(id, acknowledged);
      }
    }

    /** Whatever has happened: what was acknowledged is there, nothing is whole that is not, and the upload can be finished. */
    async function canBeFinished(id: string, acknowledged: number): Promise<void> {
      const next = newNode();
      const before = await contentOf(next, id).catch(() => undefined);
      const offset = await inContext(heldLock('t9', 't8', true), async (context) => {
        const info = await (await next.store.getUpload(id, context)).getInfo(context);
        return info.offset;
      });
      expect(offset).toBeGreaterThanOrEqual(acknowledged);
      if (before) expect(before.equals(content.subarray(0, before.length))).toBe(true);
      await inContext(heldLock('t10', 't9'), async (context) => {
        const upload = await next.store.getUpload(id, context);
        await upload.writeChunk(offset, sourceOf(content.subarray(offset)), context);
        await upload.finishUpload(context);
      });
      expect((await contentOf(newNode(), id)).equals(content)).toBe(true);
      const tails = (await ceph.keys(bucket)).filter((key) => key.includes('.tail-'));
      expect(tails).toEqual([]);
    }

    async function leavesNothing(id: string): Promise<void> {
      const next = newNode();
      await inContext(heldLock('t9', 't8', true), async (context) => {
        const upload = await next.store.getUpload(id, context).catch(() => undefined);
        if (upload) await next.store.asTerminatableUpload(upload).terminate(context);
      });
      const left = (await ceph.keys(bucket)).filter((key) => !/\.info-[0-9a-f]+$/.test(key));
      expect(left).toEqual([]);
      expect(await ceph.openMultiparts(bucket)).toEqual([]);
    }

    const nothing: Work = async () => undefined;

    it('keeps what it has acknowledged of parts and tails', async () => {
      await atEachCall(append(0, 2 * MIB), append(2 * MIB, 9 * MIB), canBeFinished);
    });

    it('keeps what it has acknowledged when it stores the last bytes', async () => {
      await atEachCall(append(0, 6 * MIB), append(6 * MIB, SIZE), canBeFinished);
    });

    it('keeps what it has acknowledged of verified chunks', async () => {
      await atEachCall(append(0, 2 * MIB), append(2 * MIB, SIZE, true), canBeFinished);
    });

    it('keeps what was there before a chunk that is refused', async () => {
      await atEachCall(append(0, 2 * MIB), refuse, async (id, acknowledged) => {
        await canBeFinished(id, acknowledged);
      });
    });

    it('leaves nothing that removing the upload does not find', async () => {
      await atEachCall(append(0, 7 * MIB), terminate, leavesNothing);
      await atEachCall(append(0, 6 * MIB), append(6 * MIB, SIZE), leavesNothing);
      await atEachCall(nothing, append(0, 3 * MIB), leavesNothing);
    });
  },
);
