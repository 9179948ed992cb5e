import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeLockerContract } from '@nestjs-tus/core/testing';
import { FileLocker } from './file-locker.js';

async function makeFolder() {
  const directory = await mkdtemp(join(tmpdir(), 'file-locker-'));
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

describeLockerContract('FileLocker', async () => {
  const { directory, remove } = await makeFolder();
  const locker = new FileLocker({ directory });
  return {
    locker,
    dispose: async () => {
      await locker.close();
      await remove();
    },
  };
});

describeLockerContract('A pair of FileLockers', async () => {
  const { directory, remove } = await makeFolder();
  const [locker, peer] = [new FileLocker({ directory }), new FileLocker({ directory })];
  return {
    locker,
    peer,
    dispose: async () => {
      await Promise.all([locker.close(), peer.close()]);
      await remove();
    },
  };
});
