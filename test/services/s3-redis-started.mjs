import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import buildOnce from '../build-once.mjs';

/** Jest's global set-up of the tests that run again on S3 and Redis: one Ceph and one Redis for all of them. */
export default async function startServices() {
  buildOnce();
  const [gateway, monitor, redis] = [await freePort(), await freePort(), await freePort()];
  const services = [
    {
      script: 'ceph-rgw.sh',
      start: 'start',
      env: {
        RGW_DIR: await mkdtemp(join(tmpdir(), 'ceph-')),
        RGW_PORT: String(gateway),
        RGW_MON_PORT: String(monitor),
      },
    },
    {
      script: 'redis.sh',
      start: 'single',
      env: { REDIS_DIR: await mkdtemp(join(tmpdir(), 'nestjs-tus-redis-')), REDIS_PORT: String(redis) },
    },
  ];
  // Global set-up and tear-down are two modules, which share nothing but this.
  globalThis.stopServices = () => Promise.all(services.map(({ script, env }) => run(script, 'stop', env)));
  await Promise.all(services.map(({ script, start, env }) => run(script, start, env)));

  const endpoint = `http://127.0.0.1:${gateway}`;
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'testaccesskey',
    AWS_SECRET_ACCESS_KEY: 'testsecretkey',
    AWS_REGION: 'us-east-1',
    // Of the SDK, on stderr, where a test wants to find nothing.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    TUS_TEST_S3_ENDPOINT: endpoint,
    TUS_TEST_S3_BUCKET: 'protocol',
    TUS_TEST_REDIS_URL: `redis://127.0.0.1:${redis}`,
  });
  const client = new S3Client({ endpoint, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'protocol' }));
  client.destroy();
}

/** The daemons keep what they inherit: with pipes for their output this would wait for their end. */
function run(script, command, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(import.meta.dirname, script), [command], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${script} ${command} ended with ${code}`)),
    );
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
