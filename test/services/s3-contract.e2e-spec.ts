import { describeStoreContract } from '@nestjs-tus/core/testing';
import { S3Store } from '@nestjs-tus/s3-store';
import { Ceph } from './ceph.js';

let ceph: Ceph;
beforeAll(async () => {
  ceph = await Ceph.start();
});
afterAll(() => ceph.stop());

describeStoreContract('S3Store on Ceph', async () => {
  return { store: new S3Store({ bucket: await ceph.newBucket(), clientConfig: ceph.clientConfig() }) };
});

describeStoreContract('S3Store on Ceph, with create-once records', async () => {
  const bucket = await ceph.newBucket();
  const clientConfig = ceph.clientConfig();
  return {
    store: new S3Store({ bucket, clientConfig, conditionalWrites: 'generations', objectPrefix: 'a/' }),
  };
});
