import { S3Client } from '@aws-sdk/client-s3';
import { MemoryLocker } from '@nestjs-tus/core';
import { S3Store, type S3StoreOptions } from '@nestjs-tus/s3-store';
import { type InProcessServer, startInProcess } from '../harness/in-process-server.js';
import type { Ceph } from './ceph.js';

/** Milliseconds until the servers give up a call that hangs. */
export const CALL_TIMEOUT = 1_500;

export interface S3Server extends InProcessServer {
  readonly store: S3Store;
}

/** Two servers in this process with one bucket and one locker: what one knows in memory the other has to ask for. */
export async function startTwo(
  ceph: Ceph,
  endpoint = ceph.endpoint,
  options: Partial<S3StoreOptions> = {},
  /** Milliseconds after which uploads expire; 0: never. They are swept when a test says so. */
  expireAfter = 0,
): Promise<{ bucket: string; one: S3Server; other: S3Server }> {
  const bucket = await ceph.newBucket();
  const locker = new MemoryLocker();
  const expiration = { after: expireAfter, sweepInterval: 0 };
  const start = async (): Promise<S3Server> => {
    const client = new S3Client({
      ...ceph.clientConfig(),
      endpoint,
      maxAttempts: 2,
      requestHandler: { requestTimeout: CALL_TIMEOUT, throwOnRequestTimeout: true, socketTimeout: 0 },
    });
    const store = new S3Store({
      bucket,
      client,
      partSize: 5 * 1024 * 1024,
      requestTimeout: CALL_TIMEOUT,
      ...options,
    });
    return { ...(await startInProcess({ store, locker, expiration })), store };
  };
  return { bucket, one: await start(), other: await start() };
}
