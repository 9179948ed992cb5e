import { describeAssemblyContract, describeObjectsContract } from '@nestjs-tus/object-storage/testing';
import type { ConditionalWrites } from '@nestjs-tus/s3-store';
import { s3Backend } from '@nestjs-tus/s3-store/testing';
import { Ceph } from './ceph.js';

let ceph: Ceph;
let bucket: string;
beforeAll(async () => {
  ceph = await Ceph.start();
  bucket = await ceph.newBucket();
});
afterAll(() => ceph.stop());

let tests = 0;
const makeBackend = async (conditionalWrites: ConditionalWrites) => {
  const { client } = ceph;
  const backend = await s3Backend({ bucket, client, conditionalWrites });
  return { ...backend, prefix: `backend-${(tests += 1)}/` };
};

describeObjectsContract('S3Objects on Ceph', () => makeBackend('if-match-bare'));
describeObjectsContract('S3Objects on Ceph, without conditions for versions', () =>
  makeBackend('generations'),
);
describeAssemblyContract('S3Assembly on Ceph', () => makeBackend('if-match-bare'));
