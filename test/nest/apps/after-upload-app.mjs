import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TusModule } from 'nestjs-tus';

/**
 * Serves an app whose job after an upload ends, or hangs: what a test kills.
 * @param place providers of a store and a locker
 * @param job `ends` or `hangs`
 */
export async function serveAfterUpload(place, job) {
  class AppModule {}
  Module({
    imports: [
      TusModule.forRoot({
        ...place,
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
}
