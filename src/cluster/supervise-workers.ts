import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { relayTusWorkers } from 'nestjs-tus/cluster';
import type { ServerOptions } from '../config/server-options.js';
import { writeLine } from '../log/write-line.js';
import { readyLine } from '../ready-line.js';
import { onEndSignal } from '../shutdown.js';
import { isStartFailure, SHUT_DOWN } from './messages.js';
import { RestartBudget } from './restart-budget.js';

const MOST_RESTARTS = 10;
const RESTART_WINDOW_MS = 60_000;
/** Left of the deadline for leaving; workers leave a little earlier by themselves. */
const MARGIN_MS = 100;

/** Runs `options.workers` processes on one port, and replaces those that die. */
export function superviseWorkers(options: ServerOptions): void {
  relayTusWorkers();
  const budget = new RestartBudget(MOST_RESTARTS, RESTART_WINDOW_MS);
  const listening = new Set<number>();
  let isReady = false;
  let isEnding = false;

  onEndSignal(() => {
    isEnding = true;
    endWorkers(options.shutdownTimeout);
  });
  cluster.on('listening', (worker, { port }) => {
    listening.add(worker.id);
    if (isReady || listening.size < options.workers) return;
    isReady = true;
    process.stdout.write(readyLine(options, port));
  });
  cluster.on('message', (_worker, message: unknown) => {
    if (isEnding || !isStartFailure(message)) return;
    process.stderr.write(`${message.startFailure}\n`);
    // One that was to replace another counts as one more death; the others go on serving.
    if (isReady) return;
    killWorkers();
    process.exit(1);
  });
  cluster.on('exit', (worker, code, signal) => {
    listening.delete(worker.id);
    if (isEnding) return leaveWhenAllAreGone();
    writeLine('error', 'Server', `worker ${worker.process.pid ?? ''} died of ${signal || `code ${code}`}`);
    if (budget.spend(Date.now())) {
      cluster.fork();
      return;
    }
    process.stderr.write(`workers died ${MOST_RESTARTS + 1} times in a minute; giving up\n`);
    killWorkers();
    process.exit(1);
  });
  for (let count = 0; count < options.workers; count++) cluster.fork();
}

/** Asks the workers to end, and ends them when the time is up. */
function endWorkers(timeout: number): void {
  for (const worker of workers()) if (worker.isConnected()) worker.send(SHUT_DOWN, () => undefined);
  leaveWhenAllAreGone();
  setTimeout(
    () => {
      killWorkers();
      process.exit(0);
    },
    Math.max(0, timeout - MARGIN_MS),
  );
}

function leaveWhenAllAreGone(): void {
  if (workers().length === 0) process.exit(0);
}

function killWorkers(): void {
  for (const worker of workers()) worker.process.kill('SIGKILL');
}

function workers(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}
