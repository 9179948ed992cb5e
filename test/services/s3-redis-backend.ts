import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { RedisLocker } from '@nestjs-tus/redis-locker';
import { S3Store } from '@nestjs-tus/s3-store';
import type { Backend } from '../harness/backend.js';

/** Stands in for test/harness/backend.ts: the bucket and the Redis that s3-redis-started.mjs has started. */
export function newBackend(): Backend {
  return backendOf(randomBytes(6).toString('hex'));
}

function backendOf(name: string): Backend {
  const client = newClient();
  const store = new S3Store({ bucket: started('TUS_TEST_S3_BUCKET'), objectPrefix: `${name}/`, client });
  const locker = new RedisLocker({ url: started('TUS_TEST_REDIS_URL'), prefix: name });
  return {
    store,
    locker,
    peer: () => backendOf(name),
    async close() {
      await locker.close();
      client.destroy();
    },
  };
}

export function backendFlags(uploadDir: string): readonly string[] {
  return [
    ...['--upload-dir', uploadDir, '--store', 's3', '--s3-bucket', started('TUS_TEST_S3_BUCKET')],
    ...['--s3-endpoint', started('TUS_TEST_S3_ENDPOINT'), '--s3-object-prefix', `${basename(uploadDir)}/`],
    ...['--locker', 'redis', '--redis-url', started('TUS_TEST_REDIS_URL')],
  ];
}

/** Signs by the real time: to a test that stops this process's clock, the service would say that the clock is wrong. */
function newClient(): S3Client {
  const client = new S3Client({
    endpoint: started('TUS_TEST_S3_ENDPOINT'),
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  Object.defineProperty(client.config, 'systemClockOffset', {
    get: () => performance.timeOrigin + performance.now() - Date.now(),
    // The SDK's own correction, from the answers' dates.
    set: () => undefined,
  });
  return client;
}

function started(variable: string): string {
  const value = process.env[variable];
  if (value === undefined) throw new Error(`${variable} is not set: s3-redis-started.mjs sets it`);
  return value;
}
