import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Controller, Get, Inject } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { FileStore } from '@nestjs-tus/file-store';
import {
  MemoryLocker,
  MemoryStore,
  TusModule,
  type TusModuleOptions,
  type TusGraphOptions,
} from 'nestjs-tus';
import { TusHealthIndicator, type TusHealthOptions } from 'nestjs-tus/health';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { send } from './apps/http-client.js';
import { describeEachAdapter } from './adapters.js';

describeEachAdapter('health', (startApp) => {
  async function healthOf(endpoint: TusModuleOptions & TusGraphOptions, options?: TusHealthOptions) {
    @Controller('health')
    class HealthController {
      constructor(
        @Inject(HealthCheckService) private readonly health: HealthCheckService,
        @Inject(TusHealthIndicator) private readonly tus: TusHealthIndicator,
      ) {}

      @Get()
      @HealthCheck()
      check() {
        return this.health.check([() => this.tus.check('uploads', options)]);
      }
    }
    const { url } = await startApp({
      imports: [TerminusModule.forRoot({ logger: false }), TusModule.forRoot(endpoint)],
      controllers: [HealthController],
      providers: [TusHealthIndicator],
    });
    return async () => {
      const { status, body } = await send('GET', `${url}/health`);
      return { status, uploads: JSON.parse(body).details.uploads };
    };
  }

  const useFactory = () => new MemoryStore();

  describe('TusHealthIndicator', () => {
    it('is up with the free space of a FileStore, down when its folder is gone or too little is free', async () => {
      const directory = join(await temporaryFolder(), 'uploads');
      const store = { useFactory: () => new FileStore({ directory }) };
      const check = await healthOf({ store });
      await expect(check()).resolves.toEqual({
        status: 200,
        uploads: { status: 'up', store: 'writable', locker: 'reachable', freeBytes: expect.any(Number) },
      });
      const demanding = await healthOf({ store }, { minFreeBytes: 2 ** 60 });
      await expect(demanding()).resolves.toMatchObject({
        status: 503,
        uploads: { status: 'down', store: `less than ${2 ** 60} bytes free` },
      });
      await rm(directory, { recursive: true });
      await expect(check()).resolves.toMatchObject({
        status: 503,
        uploads: { status: 'down', store: expect.stringContaining('ENOENT'), locker: 'reachable' },
      });
    });

    it('knows named endpoints, and stores that cannot say how much is free', async () => {
      const check = await healthOf(
        { name: 'docs', path: 'docs', store: { useFactory } },
        { endpoint: 'docs' },
      );
      await expect(check()).resolves.toEqual({
        status: 200,
        uploads: { status: 'up', store: 'writable', locker: 'reachable' },
      });
    });

    it('is down when the locker gives no lock, or does not answer', async () => {
      const locker = new MemoryLocker();
      const broken = Object.assign(new MemoryLocker(), {
        newLock: (id: string) =>
          Object.assign(locker.newLock(id), { tryLock: () => Promise.reject(new Error('redis is gone')) }),
      });
      const check = await healthOf({ store: { useFactory }, locker: { useValue: broken } });
      await expect(check()).resolves.toMatchObject({
        status: 503,
        uploads: { status: 'down', store: 'writable', locker: 'redis is gone' },
      });
      const silent = Object.assign(new MemoryLocker(), {
        newLock: (id: string) =>
          Object.assign(locker.newLock(id), { tryLock: () => new Promise<boolean>(() => undefined) }),
      });
      const waiting = await healthOf(
        { store: { useFactory }, locker: { useValue: silent } },
        { timeout: 20 },
      );
      await expect(waiting()).resolves.toMatchObject({ uploads: { locker: 'no answer within 20 ms' } });
    });
  });
});
