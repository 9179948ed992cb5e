import 'reflect-metadata';
import { HttpException, HttpStatus, Module } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { getTusOperation, MemoryStore, TusModule } from 'nestjs-tus';
import { TusExpressAdapter } from 'nestjs-tus/express';

/** Of docs/nestjs.md: tus-js-client goes on after a 423, and gives up at a 429. */
class UploadThrottlerGuard extends ThrottlerGuard {
  async shouldSkip(context) {
    return getTusOperation(context)?.name === 'append' || super.shouldSkip(context);
  }

  async throwThrottlingException(context, detail) {
    if (getTusOperation(context))
      throw new HttpException('too many uploads, wait a little', HttpStatus.LOCKED);
    return super.throwThrottlingException(context, detail);
  }
}

const [adapter, guard, ttl] = process.argv.slice(2);
const adapters = { ExpressAdapter, TusExpressAdapter, FastifyAdapter };
const guards = { ThrottlerGuard, UploadThrottlerGuard };

class AppModule {}
Module({
  imports: [
    ThrottlerModule.forRoot([{ ttl: Number(ttl), limit: 2 }]),
    TusModule.forRoot({ store: { useFactory: () => new MemoryStore() } }),
  ],
  providers: [{ provide: APP_GUARD, useClass: guards[guard] }],
})(AppModule);

const app = await NestFactory.create(AppModule, new adapters[adapter](), { logger: ['error', 'warn'] });
app.enableCors();
await app.listen(0, '127.0.0.1');
console.log('serving', await app.getUrl());
