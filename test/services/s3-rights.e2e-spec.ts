import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { eventually } from '../harness/eventually.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { type ServerProcess, startServer } from '../harness/server-process.js';
import {
  create,
  createUpload,
  download,
  head,
  locationOf,
  patch,
  storeUpload,
  terminate,
} from '../harness/tus-requests.js';
import { Ceph } from './ceph.js';

const PAGE = join(import.meta.dirname, '../../docs/scaling.md');
const MIB = 1024 * 1024;
const BUCKET = 'uploads';
const USER = 'limited';

interface Policy {
  Version: string;
  Statement: Record<string, unknown>[];
}

let ceph: Ceph;
let server: ServerProcess;

/** A user who may do in the bucket what docs/scaling.md says, and nothing else. */
beforeAll(async () => {
  ceph = await Ceph.start();
  const page = await readFile(PAGE, 'utf8');
  const [, section = ''] = /^### IAM\n(.*?)^### /ms.exec(page) ?? [];
  const [, json = ''] = /^```json\n(.*?)^```/ms.exec(section) ?? [];
  const policy = JSON.parse(json) as Policy;
  await ceph.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await ceph.admin(
    'user',
    'create',
    `--uid=${USER}`,
    `--display-name=${USER}`,
    '--access-key=limited',
    '--secret-key=limited',
  );
  const Principal = { AWS: [`arn:aws:iam:::user/${USER}`] };
  const Policy = JSON.stringify({
    ...policy,
    Statement: policy.Statement.map((each) => ({ ...each, Principal })),
  });
  await ceph.client.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy }));
  server = await startServer({
    environment: { ...ceph.environment(), AWS_ACCESS_KEY_ID: 'limited', AWS_SECRET_ACCESS_KEY: 'limited' },
    flags: [
      ...['--store', 's3', '--s3-bucket', BUCKET, '--s3-endpoint', ceph.endpoint, '--s3-part-size', '5MiB'],
      ...['--expire-after', '3s', '--expire-sweep-interval', '500ms'],
    ],
  });
});
afterAll(() => ceph.stop());

it('the policy of docs/scaling.md allows what the store does, from the first byte to the removal', async () => {
  const small = await storeUpload(server.url, 'small');
  expect((await download(small)).text).toBe('small');

  const content = randomContent('rights', 23 * MIB);
  const large = await createUpload(server.url, content.length);
  for (const [from, to] of [
    [0, 3],
    [3, 12],
    [12, 23],
  ] as const) {
    expect((await patch(large, from * MIB, content.subarray(from * MIB, to * MIB))).status).toBe(204);
  }
  expect(sha256((await download(large)).body)).toBe(sha256(content));

  const parts = await Promise.all(
    [0, 1].map((index) =>
      storeUpload(server.url, content.subarray(index * 6 * MIB, (index + 1) * 6 * MIB), {
        'Upload-Concat': 'partial',
      }),
    ),
  );
  const joined = locationOf(
    server.url,
    await create(server.url, { 'Upload-Concat': `final;${parts.join(' ')}` }),
  );
  expect(sha256((await download(joined)).body)).toBe(sha256(content.subarray(0, 12 * MIB)));

  const begun = await createUpload(server.url, content.length);
  expect((await patch(begun, 0, content.subarray(0, 7 * MIB))).status).toBe(204);
  const expiring = await createUpload(server.url, content.length);
  expect((await patch(expiring, 0, content.subarray(0, 7 * MIB))).status).toBe(204);
  for (const url of [small, large, joined, begun, ...parts]) {
    expect((await terminate(url)).status).toBe(204);
    expect((await head(url)).status).toBe(404);
  }
  await eventually('the sweeper has removed the rest', async () => (await ceph.keys(BUCKET)).length === 0);
  expect(await ceph.openMultiparts(BUCKET)).toEqual([]);
  expect(server.stderr()).not.toMatch(/AccessDenied|403/);
});

it('a user who may less is told so at the start', async () => {
  await ceph.admin(
    'user',
    'create',
    '--uid=nobody',
    '--display-name=nobody',
    '--access-key=nobody',
    '--secret-key=nobody',
  );
  const attempt = startServer({
    environment: { ...ceph.environment(), AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'nobody' },
    flags: ['--store', 's3', '--s3-bucket', BUCKET, '--s3-endpoint', ceph.endpoint],
  });
  await expect(attempt).rejects.toThrow(/bucket "uploads"/);
});
