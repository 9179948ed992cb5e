import { Module } from '@nestjs/common';
import { MemoryStore, TusModule } from 'nestjs-tus';
import type { DataStore, TusModuleOptions } from 'nestjs-tus';
import { FileStore } from '@nestjs-tus/file-store';

/** What the environment says. An app with @nestjs/config injects its ConfigService in the place of this. */
export class UploadSettings {
  readonly store = process.env.UPLOAD_STORE ?? 'file';
  readonly directory = process.env.UPLOAD_DIRECTORY ?? './data';
  readonly maxSize = Number(process.env.UPLOAD_MAX_SIZE ?? 0);
}

@Module({ providers: [UploadSettings], exports: [UploadSettings] })
export class SettingsModule {}

@Module({
  imports: [
    TusModule.forRootAsync({
      imports: [SettingsModule],
      inject: [UploadSettings],
      useFactory: ({ maxSize }: UploadSettings): TusModuleOptions => ({ path: 'files', maxSize }),
      store: {
        inject: [UploadSettings],
        useFactory: ({ store, directory }: UploadSettings): DataStore => {
          if (store === 'memory') return new MemoryStore();
          if (store === 'file') return new FileStore({ directory });
          throw new Error(`UPLOAD_STORE is ${store}: write file or memory`);
        },
      },
    }),
  ],
})
export class ExampleModule {}
