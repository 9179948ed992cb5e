import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { TusModule } from 'nestjs-tus';
import type { ServerOptions } from './config/server-options.js';
import { IndexController } from './index.controller.js';
import { lockerOf, storeOf, tusOptionsOf } from './tus-options.js';

/** What the server was told, for injection. */
export const SERVER_OPTIONS = 'SERVER_OPTIONS';

@Module({})
class ServerOptionsModule {
  static with(options: ServerOptions): DynamicModule {
    const provider = { provide: SERVER_OPTIONS, useValue: options };
    return { module: ServerOptionsModule, global: true, providers: [provider], exports: [provider] };
  }
}

@Module({})
export class AppModule {
  /** @param extras modules that only some of the options ask for */
  static with(options: ServerOptions, extras: readonly DynamicModule[] = []): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ServerOptionsModule.with(options),
        TusModule.forRootAsync({
          inject: [SERVER_OPTIONS],
          useFactory: tusOptionsOf,
          store: { inject: [SERVER_OPTIONS], useFactory: storeOf },
          locker: { inject: [SERVER_OPTIONS], useFactory: lockerOf },
        }),
        ...extras,
      ],
      controllers: [IndexController],
    };
  }
}
