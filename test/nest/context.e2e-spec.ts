import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MemoryStore, TusModule, TusService } from 'nestjs-tus';

const store = new MemoryStore();

@Module({ imports: [TusModule.forRoot({ store: { useValue: store } })] })
class WorkerModule {}

describe('an application context', () => {
  it('has uploads without an HTTP server', async () => {
    await store.newUpload(
      {
        id: 'f00',
        size: 5,
        sizeIsDeferred: false,
        offset: 0,
        metaData: {},
        isPartial: false,
        isFinal: false,
        partialUploads: [],
      },
      {},
    );
    const context = await NestFactory.createApplicationContext(WorkerModule, { logger: false });
    await expect(context.get(TusService).info('f00')).resolves.toMatchObject({ size: 5 });
    await context.close();
  });
});
