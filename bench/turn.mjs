import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startServer } from './server-process.mjs';

const run = promisify(execFile);
const generator = join(import.meta.dirname, 'load/main.mjs');
const LOAD_DEADLINE_MS = 180_000;
const WARM_UP = { patchBytes: 16 * 2 ** 20, count: 300 };
const MS_PER_SECOND = 1000;

/** One server's turn: started on an empty folder, warmed up, measured, stopped, its folder removed. */
export async function takeTurn(server, { dataDir, patchBytes, smallUploads, heads }) {
  const folder = await mkdtemp(join(dataDir, 'nestjs-tus-bench-'));
  try {
    const running = await startServer(server, folder);
    try {
      const measure = (name, parameters) => measureLoad(running, name, parameters);
      await measure('patch', { bytes: WARM_UP.patchBytes });
      await measure('small', { count: WARM_UP.count });
      await measure('head', { count: WARM_UP.count });

      const patch = await measure('patch', { bytes: patchBytes });
      const small = await measure('small', { count: smallUploads });
      const head = await measure('head', { count: heads });
      return {
        patchSeconds: patch.seconds,
        patchCpuSeconds: patch.cpuSeconds,
        smallRate: smallUploads / small.seconds,
        smallCpuMs: (small.cpuSeconds * MS_PER_SECOND) / smallUploads,
        headRate: heads / head.seconds,
        headCpuMs: (head.cpuSeconds * MS_PER_SECOND) / heads,
        memory: running.peakMemory(),
      };
    } finally {
      await running.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureLoad(running, name, parameters) {
  const before = running.cpuSeconds();
  const args = [generator, name, JSON.stringify({ port: running.port, ...parameters })];
  const { stdout } = await run(process.execPath, args, { timeout: LOAD_DEADLINE_MS });
  return { seconds: JSON.parse(stdout).seconds, cpuSeconds: running.cpuSeconds() - before };
}
