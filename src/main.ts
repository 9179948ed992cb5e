import cluster from 'node:cluster';
import './log/write-line.js';
import { readOptions, UsageError } from './config/read-options.js';

/** What sysexits and tusd's flag package call a wrong command line. */
const USAGE_EXIT_CODE = 2;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env);
  if (!options) {
    const { helpText } = await import('./config/help.js');
    process.stdout.write(helpText());
    return;
  }
  if (cluster.isWorker) {
    const { serveAsWorker } = await import('./cluster/serve-as-worker.js');
    return serveAsWorker(options);
  }
  if (options.workers > 1) {
    const { superviseWorkers } = await import('./cluster/supervise-workers.js');
    return superviseWorkers(options);
  }
  const { serveAlone } = await import('./serve-alone.js');
  return serveAlone(options);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof UsageError ? USAGE_EXIT_CODE : 1);
});
