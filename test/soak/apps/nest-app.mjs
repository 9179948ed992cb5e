import 'reflect-metadata';
import { Module, UseFilters } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TusEvents, TusModule } from 'nestjs-tus';
import { TusExpressAdapter } from 'nestjs-tus/express';
import { oddHooks } from '../odd/hooks.mjs';
import { listenOddly } from '../odd/listeners.mjs';
import { oddLogger } from '../odd/logger.mjs';
import { OddFilter, OddGuard, OddInterceptor } from '../odd/nest.mjs';
import { behaviour, lockerOf, storeIn } from './settings.mjs';

const ADAPTERS = {
  express: () => new ExpressAdapter(),
  'tus-express': () => new TusExpressAdapter(undefined, { requestTimeout: 0 }),
  fastify: () => new FastifyAdapter(),
};
const LOCKERS = { express: 'memory', 'tus-express': 'file', fastify: 'memory' };

/** An app of Nest whose hooks, guard, interceptor, filter and listeners are odd. @param name of the adapter */
export async function serveNest(name, folder) {
  const hooks = oddHooks();
  class AppModule {}
  class Hooks {
    preUploadCreate = hooks.preUploadCreate;
    preFinishResponse = hooks.preFinishResponse;
    preUploadTerminate = hooks.preUploadTerminate;
    postFinish = hooks.postFinish;
  }
  Module({
    imports: [
      EventEmitterModule.forRoot(),
      TusModule.forRoot({
        ...behaviour(),
        store: { useFactory: () => storeIn(folder) },
        locker: { useFactory: () => lockerOf(LOCKERS[name], folder) },
        logger: oddLogger(),
        guards: [OddGuard],
        interceptors: [OddInterceptor],
        decorators: [UseFilters(OddFilter)],
        hooks: [Hooks],
      }),
    ],
  })(AppModule);
  const app = await NestFactory.create(AppModule, ADAPTERS[name](), {
    logger: false,
    forceCloseConnections: true,
  });
  app.enableShutdownHooks([], { useProcessExit: true });
  app.get(TusEvents).all$.subscribe((event) => listenOddly(event.name, event));
  await app.listen(0, '127.0.0.1');
  process.stdout.write(`ready at ${await app.getUrl()}/files/\n`);
}
