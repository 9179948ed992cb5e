import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeStoreContract } from '@nestjs-tus/core/testing';
import { FileStore } from './file-store.js';

for (const durability of ['crash', 'power-loss'] as const) {
  describeStoreContract(`FileStore, ${durability}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'file-store-'));
    return {
      store: new FileStore({ directory, durability }),
      dispose: () => rm(directory, { recursive: true }),
    };
  });
}
