import { RedisLocker } from '@nestjs-tus/redis-locker';
import { S3Store } from '@nestjs-tus/s3-store';
import { serveAfterUpload } from '../nest/apps/after-upload-app.mjs';

// A node. Arguments: bucket, endpoint, URL of Redis, and `ends` or `hangs`.
const [bucket, endpoint, url, job] = process.argv.slice(2);

await serveAfterUpload(
  {
    store: { useFactory: () => new S3Store({ bucket, clientConfig: { endpoint } }) },
    locker: { useFactory: () => new RedisLocker({ url, leaseDuration: 2_000 }) },
  },
  job,
);
