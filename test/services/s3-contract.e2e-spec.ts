import { describeStoreContract } from '@nestjs-tus/core/testing';
import { S3Store } from '@nestjs-tus/s3-store';
import { Ceph } from './ceph.js';

let ceph: Ceph;
let bucket: string;
beforeAll(async () => {
  ceph = await Ceph.start();
  bucket = await ceph.newBucket();
});
afterAll(() => ceph.stop());

let stores = 0;
const newPrefix = () => `store-${(stores += 1)}/`;

describeStoreContract('S3Store on Ceph', async () => {
  const clientConfig = ceph.clientConfig();
  return { store: new S3Store({ bucket, clientConfig, objectPrefix: newPrefix() }) };
});

describeStoreContract('S3Store on Ceph, with create-once records', async () => {
  const clientConfig = ceph.clientConfig();
  const conditionalWrites = 'generations';
  return { store: new S3Store({ bucket, clientConfig, conditionalWrites, objectPrefix: newPrefix() }) };
});
