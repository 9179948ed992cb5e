import 'reflect-metadata';
import cluster from 'node:cluster';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FileLocker, FileStore } from '@nestjs-tus/file-store';
import { TusEvents, TusModule } from 'nestjs-tus';
import { relayTusWorkers, TusWorkers } from 'nestjs-tus/cluster';

// Two workers on one port, each with a subscriber. Argument: the folder.
const [directory] = process.argv.slice(2);
const WORKERS = 2;

class AppModule {}
Module({
  imports: [
    TusModule.forRoot({
      store: { useFactory: () => new FileStore({ directory }) },
      locker: { useFactory: () => new FileLocker({ directory }) },
      expiration: { after: 3_600_000 },
      uploadProgressInterval: 10,
    }),
  ],
})(AppModule);

if (cluster.isPrimary) {
  relayTusWorkers();
  let listening = 0;
  cluster.on('listening', (_worker, { port }) => {
    listening += 1;
    if (listening === WORKERS) process.stdout.write(`ready at http://127.0.0.1:${port}\n`);
  });
  for (let count = 0; count < WORKERS; count++) cluster.fork();
  process.once('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.kill('SIGTERM');
  });
} else {
  const workers = new TusWorkers();
  const app = await NestFactory.create(AppModule, { logger: false });
  const me = cluster.worker.id;
  app.get(TusEvents).all$.subscribe(({ name, upload, httpRequest }) => {
    const kind = name.slice('tus.upload.'.length);
    const { id, expiresAt, metaData } = upload;
    process.stdout.write(`worker ${me}: ${kind} ${id} ${httpRequest.method} ${expiresAt instanceof Date}\n`);
    if (kind === 'progress' && metaData.stop === String(me)) upload.stopUpload();
  });
  app.enableShutdownHooks();
  await app.init();
  workers.join(app);
  await app.listen(0, '127.0.0.1');
}
