import cluster from 'node:cluster';
import type { StoreComposer } from '@nestjs-tus/core';

/**
 * Refuses, in a worker of a cluster, what only knows of its own process: two workers would write to one upload at once, or not
 * find each other's uploads.
 *
 * @throws Error that says what to write instead
 */
export function checkProcesses({ core, locker }: StoreComposer, isOneOfSeveral = cluster.isWorker): void {
  if (!isOneOfSeveral) return;
  if (core && !core.spansProcesses) {
    throw new Error(
      `this is one of several processes, and ${nameOf(core)} keeps uploads in one: write ` +
        "`store: { useFactory: () => new FileStore({ directory: './uploads' }) }`, or `readonly spansProcesses = true` in your own class",
    );
  }
  if (locker?.spansProcesses) return;
  throw new Error(
    `this is one of several processes, and ${locker ? nameOf(locker) : 'no locker'} locks uploads for one only: write ` +
      "`locker: { useFactory: () => new FileLocker({ directory: './uploads' }) }`, or `readonly spansProcesses = true` in your own class",
  );
}

function nameOf(value: object): string {
  return value.constructor.name;
}
