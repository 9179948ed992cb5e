import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeStoreContract } from '@nestjs-tus/core/testing';
import { FileStore } from './file-store.js';

const LATER_SECONDS = 1_000_000_000;

for (const durability of ['crash', 'power-loss'] as const) {
  describeStoreContract(`FileStore, ${durability}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'file-store-'));
    return {
      store: new FileStore({ directory, durability }),
      changeContent: async (id, content) => {
        if (content === undefined) return rm(join(directory, id));
        await writeFile(join(directory, id), content);
        // The clock of a file system may tick slower than this test.
        await utimes(join(directory, id), LATER_SECONDS, LATER_SECONDS);
      },
      dispose: () => rm(directory, { recursive: true }),
    };
  });
}
