import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Store as TusS3Store } from '@tus/s3-store';
import { Server as TusServer } from '@tus/server';
import { startServer } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import type { Ceph } from './ceph.js';
import type { Nodes } from './s3-requests.js';
import type { S3Traffic } from './s3-traffic.js';

/** Two of this repository's servers, as its README starts them, whose S3 calls go through `traffic`. */
export async function startOurs(ceph: Ceph, traffic: S3Traffic, flags: readonly string[]): Promise<Nodes> {
  const bucket = await ceph.newBucket();
  const uploadDir = await temporaryFolder();
  const s3 = ['--store', 's3', '--s3-bucket', bucket, '--s3-endpoint', traffic.endpoint];
  const start = () => startServer({ uploadDir, environment: ceph.environment(), flags: [...s3, ...flags] });
  const [one, other] = await Promise.all([start(), start()]);
  return { one: one.url, other: other.url };
}

/** Two servers made of @tus/server and @tus/s3-store with their defaults and a client as Ceph needs it, whose S3 calls go through `traffic`. */
export async function startTusNodeServers(ceph: Ceph, traffic: S3Traffic): Promise<Nodes> {
  const bucket = await ceph.newBucket();
  const start = async () => {
    const s3ClientConfig = { ...ceph.clientConfig(), endpoint: traffic.endpoint, bucket };
    const server = new TusServer({ path: '/files', datastore: new TusS3Store({ s3ClientConfig }) });
    const http = server.listen({ port: 0, host: '127.0.0.1' });
    await once(http, 'listening');
    listening.push(http);
    return `http://127.0.0.1:${(http.address() as AddressInfo).port}/files/`;
  };
  return { one: await start(), other: await start() };
}

const listening: HttpServer[] = [];

afterAll(async () => {
  const closed = listening.map((http) => new Promise((resolve) => http.close(resolve)));
  for (const http of listening.splice(0)) http.closeAllConnections();
  await Promise.all(closed);
});
