import { get, type IncomingMessage } from 'node:http';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { eventually } from '../harness/eventually.js';
import { idOf } from '../harness/open-patch.js';
import { randomContent } from '../harness/random-content.js';
import { RawSocket } from '../harness/raw-socket.js';
import * as tus from '../harness/tus-requests.js';
import { cephBehindProxy } from './s3-behind-proxy.js';
import { CALL_TIMEOUT } from './s3-server-in-process.js';

const MIB = 1024 * 1024;
const content = randomContent('reading', 12 * MIB);

const s3 = cephBehindProxy();

const isObject =
  (url: string) =>
  ({ url: asked }: { url: string }) =>
    asked.includes(`/${idOf(url)}?`);

/** A GET whose body is left alone. */
const answerTo = (url: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(url, { agent: false }, resolve).on('error', reject);
  });

describe('GET of an object', () => {
  it.each([0, 5 * MIB, 12 * MIB - 1])(
    'is a broken body when the service breaks it after %d bytes',
    async (after) => {
      const { one } = await s3.startTwo();
      const url = await tus.storeUpload(one.url, content);
      const isAsked = isObject(url);
      s3.proxy.fault((call) => (isAsked(call) ? { kind: 'cut', after } : undefined));
      if (after === 0) expect((await tus.download(url)).status).toBe(503);
      else await expect(tus.download(url)).rejects.toThrow();
      s3.proxy.leaveAlone();
      expect((await tus.download(url)).body.equals(content)).toBe(true);
    },
  );

  it('is a broken body when the service stops in the middle', async () => {
    const { one } = await s3.startTwo();
    const url = await tus.storeUpload(one.url, content);
    const isAsked = isObject(url);
    s3.proxy.fault((call) => (isAsked(call) ? { kind: 'stall', after: MIB } : undefined));
    const began = performance.now();
    await expect(tus.download(url)).rejects.toThrow();
    expect(performance.now() - began).toBeGreaterThan(CALL_TIMEOUT - 100);
    await eventually('no answer is held', () => s3.proxy.passing() === 0);
  });

  it.each([1_000, 13 * MIB])(
    'is never of another length than it says, when somebody has put %d bytes there',
    async (size) => {
      const { one, bucket } = await s3.startTwo();
      const url = await tus.storeUpload(one.url, content);
      const Body = randomContent('theirs', size);
      await s3.ceph.client.send(new PutObjectCommand({ Bucket: bucket, Key: idOf(url), Body }));
      const { hostname, port, pathname } = new URL(url);
      const socket = await RawSocket.connect(Number(port));
      await socket.sendHead('GET', pathname, { Host: hostname });
      const outcome = await socket.response().then(
        ({ body }) => body.length,
        () => 'broken',
      );
      expect(outcome).toBe(size < content.length ? 'broken' : content.length);
    },
  );

  it('holds nothing of the service when its client is gone, whenever that is', async () => {
    const { one } = await s3.startTwo();
    const url = await tus.storeUpload(one.url, content);
    const { hostname, port, pathname } = new URL(url);
    for (let round = 0; round < 100; round += 1) {
      // Gone before there is an answer, and while the answer comes.
      const socket = await RawSocket.connect(Number(port));
      await socket.sendHead('GET', pathname, { Host: hostname });
      if (round % 2 === 0) await eventually('the service answers', () => s3.proxy.passing() > 0);
      socket.destroy();
      const answer = await answerTo(url);
      answer.once('data', () => answer.destroy());
      await new Promise((resolve) => answer.once('close', resolve));
    }
    await eventually('no answer is held', () => s3.proxy.passing() === 0);
    expect((await tus.download(url)).body.equals(content)).toBe(true);
  });
});
