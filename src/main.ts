import cluster from 'node:cluster';
import './log/write-line.js';
import { informationWanted, readOptions, UsageError } from './config/read-options.js';
import { unknownVariables } from './config/unknown-variables.js';
import { version } from './version.js';

/** What sysexits and tusd's flag package call a wrong command line. */
const USAGE_EXIT_CODE = 2;

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const wanted = informationWanted(args);
  if (wanted) {
    process.stdout.write(
      wanted === 'help' ? (await import('./config/help.js')).helpText() : `${version()}\n`,
    );
    return;
  }
  const options = readOptions(args, process.env);
  if (cluster.isPrimary && options.logLevel !== 'error') {
    for (const line of unknownVariables(process.env)) process.stderr.write(`warning: ${line}\n`);
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
