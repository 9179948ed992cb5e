import {
  MemoryLocker,
  MemoryStore,
  type DataStore,
  type ListerDataStore,
  type Locker,
} from '@nestjs-tus/core';

/**
 * Where the servers under test keep uploads and locks when a test asks for nothing else. `npm run test:services` puts
 * S3 and Redis in this file's place (test/services/s3-redis-backend.ts) and runs the tests of the protocol again.
 */
export interface Backend {
  readonly store: ListableStore;
  readonly locker: Locker;
  /** The same uploads and locks, as another process has them. Has to be closed, too. */
  peer(): Backend;
  /** When its server is closed. */
  close(): Promise<void>;
}

export type ListableStore = DataStore & ListerDataStore;

/** A new store, empty, and its locks, for an engine in this process. */
export function newBackend(): Backend {
  const backend: Backend = {
    store: new MemoryStore(),
    locker: new MemoryLocker(),
    peer: () => backend,
    close: () => Promise.resolve(),
  };
  return backend;
}

/** What the server is started with before the flags of the test. Servers with one upload directory share their uploads. */
export function backendFlags(uploadDir: string): readonly string[] {
  return ['--upload-dir', uploadDir];
}
