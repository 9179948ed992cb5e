import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createUpload, download, head, patch } from '../harness/tus-requests.js';
import { Ceph } from './ceph.js';
import { startRedis } from './redis-servers.js';
import { bytesCell, callsCell, carriesContent, costOf } from './s3-cost.js';
import { startOurs, startTusNodeServers } from './s3-nodes.js';
import {
  GIB,
  KIB,
  type Measurements,
  measureRequests,
  MIB,
  type RequestName,
  REQUESTS,
} from './s3-requests.js';
import { type S3Call, type S3Traffic, startS3Traffic } from './s3-traffic.js';
import { costsOfTusd } from './tusd-s3-cost.js';

const PAGE = join(import.meta.dirname, '../../docs/scaling.md');

let ceph: Ceph;
let traffic: S3Traffic;
beforeAll(async () => {
  ceph = await Ceph.start();
  traffic = await startS3Traffic(ceph.endpoint);
});
afterAll(() => ceph.stop());

/** In an order that does not depend on which of several parts is there first. */
function operationsOf(calls: readonly S3Call[]): string[] {
  return calls
    .map(({ operation, key }) => (key.endsWith('.info') ? `${operation} of the record` : operation))
    .sort();
}

const times = (number: number, operation: string): string[] => Array<string>(number).fill(operation);

describe('what goes to S3', () => {
  let ours: Measurements;
  let tusNode: Measurements;
  beforeAll(async () => {
    const redis = await startRedis('single');
    const locker = ['--locker', 'redis', '--redis-url', String(redis.options.url)];
    ours = await measureRequests(await startOurs(ceph, traffic, locker), traffic);
    tusNode = await measureRequests(await startTusNodeServers(ceph, traffic), traffic);
  });

  const readRecord = 'GetObject of the record';
  const writeRecord = 'PutObject of the record';
  const nothing = { up: 0, down: 0 };

  it.each<[RequestName, string[], { up: number; down: number }]>([
    ['POST', [writeRecord], nothing],
    ['POST with all of 100 KiB', ['PutObject', writeRecord], { up: 100 * KIB, down: 0 }],
    [
      'first PATCH, of 8 MiB',
      [readRecord, 'CreateMultipartUpload', 'UploadPart', writeRecord],
      { up: 8 * MIB, down: 0 },
    ],
    ['PATCH of 8 MiB', ['UploadPart', writeRecord], { up: 8 * MIB, down: 0 }],
    ['PATCH of 8 MiB, on another node', [readRecord, 'UploadPart', writeRecord], { up: 8 * MIB, down: 0 }],
    ['PATCH of 64 MiB', [...times(8, 'UploadPart'), writeRecord], { up: 64 * MIB, down: 0 }],
    ['PATCH of 1 MiB', ['PutObject', writeRecord], { up: MIB, down: 0 }],
    [
      'PATCH of 7 MiB after it',
      ['GetObject', 'UploadPart', writeRecord, 'DeleteObject'],
      { up: 8 * MIB, down: MIB },
    ],
    [
      'last PATCH, of 8 MiB',
      ['UploadPart', writeRecord, 'CompleteMultipartUpload', writeRecord],
      { up: 8 * MIB, down: 0 },
    ],
    [
      '5 PATCHes of 1 MiB',
      [
        ...times(4, 'PutObject'),
        ...times(4, 'GetObject'),
        'UploadPart',
        ...times(5, writeRecord),
        ...times(4, 'DeleteObject'),
      ],
      { up: 9 * MIB, down: 4 * MIB },
    ],
    ['HEAD', [], nothing],
    ['HEAD, on another node', [readRecord], nothing],
    ['GET of 112 MiB', [readRecord, 'GetObject'], { up: 0, down: 112 * MIB }],
    [
      'DELETE, after 8 MiB',
      [writeRecord, 'AbortMultipartUpload', 'ListObjectsV2', 'DeleteObject', 'DeleteObject of the record'],
      nothing,
    ],
    [
      'DELETE of a finished upload',
      [writeRecord, 'ListObjectsV2', 'DeleteObject', 'DeleteObject of the record'],
      nothing,
    ],
    [
      'POST, and 1 GiB in 128 PATCHes',
      [
        ...times(130, writeRecord),
        readRecord,
        'CreateMultipartUpload',
        ...times(128, 'UploadPart'),
        'CompleteMultipartUpload',
      ],
      { up: GIB, down: 0 },
    ],
  ])('of %s, is these calls, the content and little else', (name, operations, content) => {
    const { calls } = ours(name);
    expect(operationsOf(calls)).toEqual([...operations].sort());
    expect(costOf(ours(name)).content).toEqual(content);
    const parts = Math.max(16, operations.filter((operation) => operation === 'UploadPart').length);
    for (const { up, down, operation } of calls.filter((call) => !carriesContent(call))) {
      // A part is a line of the record, and an element of the XML that completes.
      const perPart = operation === 'CompleteMultipartUpload' ? 120 : 50;
      expect(up).toBeLessThan(KIB + parts * perPart);
      expect(down).toBeLessThan(KIB);
    }
  });

  it('has about 1 KiB of headers in each call, whoever makes it', () => {
    const calls = REQUESTS.flatMap((name) => [...ours(name).calls, ...tusNode(name).calls]);
    for (const { headers } of calls) {
      expect(headers).toBeGreaterThan(0.9 * KIB);
      expect(headers).toBeLessThan(1.3 * KIB);
    }
  });

  it('is what docs/scaling.md says', async () => {
    const tusd = costsOfTusd();
    const costs = REQUESTS.map((name) => ({
      name,
      servers: [costOf(ours(name)), costOf(tusNode(name)), tusd[name]],
    }));
    const [calls, bytes] = tablesOf(await readFile(PAGE, 'utf8'), '### Calls and bytes');
    expect(calls).toEqual(costs.map(({ name, servers }) => [name, ...servers.map(callsCell)]));
    expect(bytes).toEqual(
      costs.map(({ name, servers }) => [
        name,
        ...servers.flatMap((cost) => [bytesCell(cost, 'up'), bytesCell(cost, 'down')]),
      ]),
    );
  });
});

/** The cells of the tables below a heading, without the tables' heads. */
function tablesOf(page: string, heading: string): string[][][] {
  const [section = ''] = page.slice(page.indexOf(heading) + heading.length).split(/^##/m);
  return [...section.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) =>
    table
      .trim()
      .split('\n')
      .slice(2)
      .map((line) =>
        line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      ),
  );
}

describe('a server', () => {
  it('commits after each 25 parts of a request', async () => {
    const { one } = await startOurs(ceph, traffic, ['--locker', 'file', '--s3-part-size', '5MiB']);
    const url = await createUpload(one, 200 * MIB);
    await traffic.take();
    await patch(url, 0, Buffer.alloc(26 * 5 * MIB));
    const operations = operationsOf(await traffic.take());
    expect(operations.filter((operation) => operation === 'UploadPart')).toHaveLength(26);
    expect(operations.filter((operation) => operation === 'PutObject of the record')).toHaveLength(2);
  });

  it('asks for the record each time, and leaves part numbers out, when nobody knows who held the lock last', async () => {
    const { one } = await startOurs(ceph, traffic, ['--locker', 'file']);
    const url = await createUpload(one, 100 * MIB);
    await patch(url, 0, Buffer.alloc(8 * MIB));
    await traffic.take();
    await head(url);
    const asked = await traffic.take();
    expect(asked.map(({ status, down }) => [status, down])).toEqual([[304, 0]]);
    await patch(url, 8 * MIB, Buffer.alloc(8 * MIB));
    expect(operationsOf(await traffic.take())).toEqual(
      ['GetObject of the record', 'PutObject of the record', 'UploadPart', 'PutObject of the record'].sort(),
    );
  });

  it('makes the same calls for a GET of the draft', async () => {
    const { one } = await startOurs(ceph, traffic, ['--locker', 'file', '--enable-experimental-protocol']);
    const url = await createUpload(one, MIB);
    await patch(url, 0, Buffer.alloc(MIB));
    await traffic.take();
    const reply = await download(url, { 'Upload-Draft-Interop-Version': '6' });
    expect([reply.status, reply.body.length]).toEqual([200, MIB]);
    expect(operationsOf(await traffic.take())).toEqual(['GetObject', 'GetObject of the record']);
  });
});
