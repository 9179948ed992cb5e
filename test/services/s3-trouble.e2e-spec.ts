import { randomContent } from '../harness/random-content.js';
import * as tus from '../harness/tus-requests.js';
import { cephBehindProxy } from './s3-behind-proxy.js';
import { type Answer, s3Error } from './s3-fault-proxy.js';

const MIB = 1024 * 1024;

const s3 = cephBehindProxy();

const html = (status: number): Answer => ({ status, body: `<html><h1>${status}</h1></html>` });

/** What goes wrong for a while, and the status that PATCH and POST answer meanwhile. */
const TROUBLES: [string, Answer, number][] = [
  ['the service wants to be called less often', s3Error(503, 'SlowDown'), 503],
  ['the service has trouble of its own', s3Error(500, 'InternalError'), 503],
  ['a proxy in front of the service has trouble', html(502), 503],
  ['a proxy in front of the service knows no such path', html(404), 503],
  ['somebody answers 404 with nothing', { status: 404 }, 503],
  ['the clock is wrong', s3Error(403, 'RequestTimeTooSkewed'), 503],
  ['the secret key has been changed', s3Error(403, 'SignatureDoesNotMatch'), 503],
  ['the access key has been removed', s3Error(403, 'InvalidAccessKeyId'), 503],
  ['the session has ended', s3Error(400, 'ExpiredToken'), 503],
  ['a right is missing', s3Error(403, 'AccessDenied'), 503],
  ['the account is suspended', s3Error(403, 'UserSuspended'), 503],
  ['the bucket is gone', s3Error(404, 'NoSuchBucket'), 503],
  ['the quota is used up', s3Error(403, 'QuotaExceeded'), 507],
  ['the disks are full', s3Error(507, 'InsufficientStorage'), 507],
];

describe('what a server on S3 answers', () => {
  it.each(TROUBLES)('while %s, and that all goes on afterwards', async (_, answer, status) => {
    const { one, other, bucket } = await s3.startTwo();
    const content = randomContent('trouble', 12 * MIB);
    const small = await tus.storeUpload(one.url, randomContent('finished', 1_000));
    const url = await tus.createUpload(one.url, content.length);
    expect((await tus.patch(url, 0, content.subarray(0, 6 * MIB))).status).toBe(204);
    const elsewhere = new URL(new URL(url).pathname, other.url).href;

    s3.proxy.fault(() => ({ kind: 'answer', answer }));
    for (const asked of [url, elsewhere]) {
      expect([200, 423]).toContain((await tus.head(asked)).status);
    }
    const failures = [
      await tus.patch(url, 6 * MIB, content.subarray(6 * MIB)),
      await tus.patch(elsewhere, 6 * MIB, content.subarray(6 * MIB)),
      await tus.create(one.url, { 'Upload-Length': '9' }),
      await tus.create(one.url, { 'Upload-Length': '9', 'Content-Type': tus.OFFSET_STREAM }, '123456789'),
      await tus.download(small),
      await tus.terminate(small),
    ];
    for (const failure of failures) {
      expect(failure.status).toBe(status);
      expect(failure.headers['retry-after']).toBeDefined();
      expect(failure.text).toMatch(/^ERR_(STORAGE_UNAVAILABLE|INSUFFICIENT_STORAGE): [a-z ]+\n$/);
    }
    expect((await tus.head(elsewhere)).status).toBe(423);
    expect([one.store.bufferedBytes, other.store.bufferedBytes]).toEqual([0, 0]);

    s3.proxy.leaveAlone();
    expect(await tus.offsetOf(elsewhere)).toBe(6 * MIB);
    expect(await tus.offsetOf(url)).toBe(6 * MIB);
    expect((await tus.patch(elsewhere, 6 * MIB, content.subarray(6 * MIB))).status).toBe(204);
    expect((await tus.download(url)).body.equals(content)).toBe(true);
    expect((await tus.terminate(small)).status).toBe(204);
    expect((await tus.terminate(url)).status).toBe(204);
    expect(await s3.ceph.openMultiparts(bucket)).toEqual([]);
    expect(await s3.ceph.keys(bucket)).toEqual([]);
  });
});
