import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedisLocker } from '@nestjs-tus/redis-locker';
import { S3Store } from '@nestjs-tus/s3-store';
import { TusModule } from 'nestjs-tus';

// A node whose job after an upload ends, or hangs: what a test kills. Arguments: bucket, endpoint, URL of Redis, and `ends` or `hangs`.
const [bucket, endpoint, url, job] = process.argv.slice(2);

class AppModule {}
Module({
  imports: [
    TusModule.forRoot({
      store: { useFactory: () => new S3Store({ bucket, clientConfig: { endpoint } }) },
      locker: { useFactory: () => new RedisLocker({ url, leaseDuration: 2_000 }) },
      postFinishCallback: async ({ upload }) => {
        process.stdout.write(`called for ${upload.id}\n`);
        if (job === 'hangs') await new Promise(() => undefined);
      },
    }),
  ],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
app.enableShutdownHooks([], { useProcessExit: true });
await app.listen(0, '127.0.0.1');
process.stdout.write(`ready at ${await app.getUrl()}\n`);
