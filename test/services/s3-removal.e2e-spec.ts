import { CreateMultipartUploadCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { eventually } from '../harness/eventually.js';
import { idOf, on, openPatch } from '../harness/open-patch.js';
import { randomContent } from '../harness/random-content.js';
import * as tus from '../harness/tus-requests.js';
import { cephBehindProxy } from './s3-behind-proxy.js';
import { type Answer, s3Error } from './s3-fault-proxy.js';
import { type S3Server } from './s3-server-in-process.js';

const MIB = 1024 * 1024;

const s3 = cephBehindProxy();

/** An upload with a part and a tail. */
async function begun({ url: collection }: S3Server): Promise<string> {
  const url = await tus.createUpload(collection, 20 * MIB);
  await tus.patch(url, 0, randomContent('begun', 5 * MIB));
  await tus.patch(url, 5 * MIB, randomContent('tail', 1_000));
  return url;
}

async function expectNothing(bucket: string): Promise<void> {
  expect(await s3.ceph.keys(bucket)).toEqual([]);
  expect(await s3.ceph.openMultiparts(bucket)).toEqual([]);
}

describe('removing an upload', () => {
  it.each<[string, Answer]>([
    ['fails', s3Error(500, 'InternalError')],
    ['is forbidden', s3Error(403, 'AccessDenied')],
    ['is answered by somebody else', { status: 404, body: '<html>404</html>' }],
  ])('is taken up again when giving up its parts %s', async (_, answer) => {
    const { one, other, bucket } = await s3.startTwo();
    const url = await begun(one);
    s3.proxy.fault(({ method, url: asked }) =>
      method === 'DELETE' && asked.includes('uploadId=') ? { kind: 'answer', answer } : undefined,
    );
    expect((await tus.terminate(url)).status).toBe(503);
    for (const node of [one, other]) {
      // Nothing of it is offered any more, and nobody goes on with it.
      expect([404, 423]).toContain((await tus.head(on(node.url, url))).status);
      expect([404, 503]).toContain((await tus.patch(on(node.url, url), 5 * MIB + 1_000, 'more')).status);
    }
    s3.proxy.leaveAlone();
    expect((await tus.terminate(on(other.url, url))).status).toBe(404);
    await expectNothing(bucket);
  });

  it('succeeds when its parts are gone already', async () => {
    const { one, bucket } = await s3.startTwo();
    const url = await begun(one);
    s3.proxy.fault(({ method, url: asked }) =>
      method === 'DELETE' && asked.includes('uploadId=')
        ? { kind: 'answer-instead', answer: s3Error(404, 'NoSuchUpload') }
        : undefined,
    );
    expect((await tus.terminate(url)).status).toBe(204);
    await expectNothing(bucket);
  });

  it('makes a request let go that is receiving it, on this node', async () => {
    const { one, bucket } = await s3.startTwo();
    const url = await begun(one);
    const running = await openPatch(url, { offset: 5 * MIB + 1_000, length: 15 * MIB - 1_000 });
    await running.send(randomContent('running', 11 * MIB));
    await eventually('parts are under way', async () => one.store.bufferedBytes > 0);
    expect((await tus.terminate(url)).status).toBe(204);
    expect((await running.response()).status).toBe(400);
    expect((await tus.head(url)).status).toBe(404);
    await expectNothing(bucket);
    expect(one.store.bufferedBytes).toBe(0);
  });
});

describe('sweeping', () => {
  it('removes what has expired with all that belongs to it, and nothing of others', async () => {
    const { one, other, bucket } = await s3.startTwo({ objectPrefix: 'up/' }, 1);
    const Bucket = bucket;
    for (const Key of ['theirs', 'up/theirs.tail-0123456789abcdef', 'up/deeper/theirs.info']) {
      await s3.ceph.client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from('theirs') }));
    }
    await s3.ceph.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'up/theirs' }));
    // Each in one request: it has expired at the end of it.
    const create = async (length: number, content: Buffer) =>
      tus.locationOf(
        one.url,
        await tus.create(
          one.url,
          { 'Upload-Length': String(length), 'Content-Type': tus.OFFSET_STREAM },
          content,
        ),
      );
    const finished = await create(6 * MIB, randomContent('finished', 6 * MIB));
    await create(20 * MIB, randomContent('begun', 5 * MIB + 1_000));
    const swept = await Promise.all([one.handler.sweep(), other.handler.sweep()]);
    expect(swept[0] + swept[1]).toBe(1);
    expect(await s3.ceph.keys(bucket)).toEqual(
      [
        'theirs',
        'up/deeper/theirs.info',
        'up/theirs.tail-0123456789abcdef',
        `up/${idOf(finished)}`,
        `up/${idOf(finished)}.info`,
      ].sort(),
    );
    expect(await s3.ceph.openMultiparts(bucket)).toHaveLength(1);
  });
});
