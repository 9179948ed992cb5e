import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FileLocker, FileStore } from '@nestjs-tus/file-store';
import { TusModule } from 'nestjs-tus';

// An app whose job after an upload ends, or hangs: what a test kills. Arguments: the folder, and `ends` or `hangs`.
const [directory, job] = process.argv.slice(2);

class AppModule {}
Module({
  imports: [
    TusModule.forRoot({
      store: { useFactory: () => new FileStore({ directory }) },
      locker: { useFactory: () => new FileLocker({ directory }) },
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
