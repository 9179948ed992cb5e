import { Upload } from 'tus-js-client';
import { on } from '../harness/open-patch.js';
import { randomContent } from '../harness/random-content.js';
import * as tus from '../harness/tus-requests.js';
import { cephBehindProxy } from './s3-behind-proxy.js';
import { type Fault, s3Error } from './s3-fault-proxy.js';

const MIB = 1024 * 1024;

const s3 = cephBehindProxy();

const error200 = { ...s3Error(200, 'InternalError') };
/** The service has begun its answer, kept it alive with white space, and then its connection has ended. */
const cutAnswer = { status: 200, body: '<?xml version="1.0" encoding="UTF-8"?>\n   ', length: 400 };

/** How completing the parts goes wrong. */
const FAULTS: [string, Fault][] = [
  ['fails', { kind: 'answer', answer: s3Error(500, 'InternalError') }],
  ['is done, and said to have failed', { kind: 'answer-instead', answer: s3Error(500, 'InternalError') }],
  ['fails with a 200', { kind: 'answer', answer: error200 }],
  ['is done, and said to have failed with a 200', { kind: 'answer-instead', answer: error200 }],
  ['is answered by a 200 with nothing in it', { kind: 'answer', answer: { status: 200 } }],
  ['is done, and answered by a 200 with nothing in it', { kind: 'answer-instead', answer: { status: 200 } }],
  ['is cut in the middle of a 200', { kind: 'answer', answer: cutAnswer }],
  ['is done, and cut in the middle of a 200', { kind: 'answer-instead', answer: cutAnswer }],
  ['is done, and its connection cut', { kind: 'cut', after: 0 }],
  ['is done, and said to be unknown', { kind: 'answer-instead', answer: s3Error(404, 'NoSuchUpload') }],
  ['is said to be unknown, and is not', { kind: 'answer', answer: s3Error(404, 'NoSuchUpload') }],
  ['hangs', { kind: 'hang' }],
  ['is done, and its answer hangs', { kind: 'answer-hangs' }],
];

const isComplete = ({ method, url }: { method: string; url: string }) =>
  method === 'POST' && url.includes('uploadId=');

describe('when completing the parts', () => {
  it.each(FAULTS)('%s, nobody is told of a whole upload that cannot be read', async (_, fault) => {
    const { one, other, bucket } = await s3.startTwo();
    const content = randomContent('completing', 11 * MIB);
    const url = await tus.createUpload(one.url, content.length);
    s3.proxy.fault((call) => (isComplete(call) ? fault : undefined));
    const last = await tus.patch(url, 0, content);
    expect([204, 503]).toContain(last.status);
    for (const node of [one, other]) {
      const head = await tus.head(on(node.url, url));
      expect([200, 423]).toContain(head.status);
      const download = await tus.download(on(node.url, url));
      if (last.status === 204 || head.status === 200) expect(download.body.equals(content)).toBe(true);
      else expect([400, 503]).toContain(download.status);
    }
    expect([one.store.bufferedBytes, other.store.bufferedBytes]).toEqual([0, 0]);

    s3.proxy.leaveAlone();
    expect(await tus.offsetOf(on(other.url, url))).toBe(content.length);
    for (const node of [one, other]) {
      expect((await tus.download(on(node.url, url))).body.equals(content)).toBe(true);
    }
    expect(await s3.ceph.openMultiparts(bucket)).toEqual([]);
  });

  it.each(FAULTS)('%s twice, tus-js-client comes to its end', async (_, fault) => {
    const { one, other } = await s3.startTwo();
    const content = randomContent('client', 11 * MIB);
    let failures = 0;
    s3.proxy.fault((call) => (isComplete(call) && (failures += 1) <= 2 ? fault : undefined));
    const url = await new Promise<string>((resolve, reject) => {
      const upload = new Upload(content, {
        endpoint: one.url,
        chunkSize: 6 * MIB,
        retryDelays: Array<number>(10).fill(10),
        onError: reject,
        onSuccess: () => resolve(upload.url ?? ''),
      });
      upload.start();
    });
    expect(failures).toBeGreaterThan(0);
    expect((await tus.download(on(other.url, url))).body.equals(content)).toBe(true);
  });
});
