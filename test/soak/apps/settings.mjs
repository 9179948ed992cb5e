import { FileLocker, FileStore } from '@nestjs-tus/file-store';
import { MemoryLocker } from '@nestjs-tus/core';

/** Milliseconds; short, so that every timeout is met within a run of some seconds. */
export const NETWORK_TIMEOUT = 1_000;
export const GRACE = 1_500;
const ACQUIRE_LOCK_TIMEOUT = 1_500;
const EXPIRE_AFTER = 15_000;
const SWEEP_INTERVAL = 500;
const MAX_SIZE = 1024 * 1024;

/** What all apps have in common, as the module and the engine take it. */
export function behaviour() {
  return {
    maxSize: MAX_SIZE,
    enableExperimentalProtocol: true,
    networkTimeout: NETWORK_TIMEOUT,
    acquireLockTimeout: ACQUIRE_LOCK_TIMEOUT,
    gracefulRequestCompletionTimeout: GRACE,
    uploadProgressInterval: 5,
    expiration: { after: EXPIRE_AFTER, sweepInterval: SWEEP_INTERVAL },
    postFinish: { concurrency: 4, retryDelay: 100, maxRetryDelay: 1_000 },
  };
}

/** The same for the server's command line. */
export function flags(folder) {
  return Object.entries({
    host: '127.0.0.1',
    port: 0,
    'upload-dir': folder,
    locker: 'file',
    'max-size': MAX_SIZE,
    'network-timeout': `${NETWORK_TIMEOUT}ms`,
    'acquire-lock-timeout': `${ACQUIRE_LOCK_TIMEOUT}ms`,
    'shutdown-timeout': `${GRACE}ms`,
    'progress-interval': '5ms',
    'expire-after': `${EXPIRE_AFTER}ms`,
    'expire-sweep-interval': `${SWEEP_INTERVAL}ms`,
    'log-level': 'debug',
  })
    .flatMap(([name, value]) => [`--${name}`, String(value)])
    .concat('--enable-experimental-protocol', '--expose-metrics');
}

export const storeIn = (folder) => new FileStore({ directory: folder });

/** @param kind `file` or `memory` */
export function lockerOf(kind, folder) {
  return kind === 'file' ? new FileLocker({ directory: folder }) : new MemoryLocker();
}
