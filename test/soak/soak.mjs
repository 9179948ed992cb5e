import { after } from './apps/app-process.mjs';
import { Failures } from './failures.mjs';
import { AppRun } from './run-app.mjs';

const LONG_STEP_SECONDS = 60;
const SHORT_STEP_SECONDS = 10;
/** Of the whole time, after how much caches count as warm. */
const WARM_AFTER = 0.2;
/** When the reader of the server's log goes away. */
const LOG_CLOSED_AFTER = 0.4;
const MS = 1_000;

/**
 * Lets hostile and honest clients use each app for some time, and checks all the while that the apps keep the promises which hold
 * whatever clients and hooks do.
 * @param print takes lines of text
 * @returns the failures, each kind once
 */
export async function soak({ seconds, seed, apps, clients, isCalm, print }) {
  const failures = new Failures();
  const runs = apps.map((name) => new AppRun(name, { seed, clients, isCalm, failures }));
  print(`seed ${seed}, ${seconds} s, ${clients} hostile clients for each of ${apps.join(', ')}`);
  await Promise.all(runs.map((run) => run.start()));
  const idle = await Promise.all(runs.map((run) => run.app.measure()));

  const loads = runs.map((run) => run.load());
  const started = performance.now();
  const passed = () => (performance.now() - started) / MS;
  const step = seconds > 2 * LONG_STEP_SECONDS ? LONG_STEP_SECONDS : SHORT_STEP_SECONDS;
  const warming = after(seconds * WARM_AFTER * MS);
  const closing = after(seconds * LOG_CLOSED_AFTER * MS);
  void warming.promise.then(() => Promise.all(runs.map((run) => run.remember())));
  if (!isCalm) void closing.promise.then(() => runs.find(({ name }) => name === 'server')?.app.closeLog());
  for (let next = step; next < seconds; next += step) {
    await after((next - passed()) * MS).promise;
    await printLines(runs, passed(), print);
  }
  await after((seconds - passed()) * MS).promise;
  for (const run of runs) run.stop();
  await Promise.all(loads);
  for (const [index, run] of runs.entries()) {
    if (run.warm) run.warm.idleDescriptors = idle[index].descriptors;
  }
  await printLines(runs, passed(), print);
  await Promise.all(runs.map((run) => run.end()));
  return failures.list;
}

async function printLines(runs, seconds, print) {
  for (const run of runs) {
    const {
      rss = 0,
      heap = 0,
      descriptors = 0,
      connections = 0,
      longestTurn = 0,
    } = (await run.measure()) ?? {};
    const requests = [...run.counts].filter(([kind]) => /xx|closed|silent|left/.test(kind));
    const total = requests.reduce((sum, [, count]) => sum + count, 0);
    const kinds = [...run.counts].sort(([one], [other]) => one.localeCompare(other));
    print(
      [
        `${String(Math.round(seconds)).padStart(5)} s ${run.name.padEnd(11)} ${total} requests`,
        kinds.map(([kind, count]) => `${kind} ${count}`).join(' '),
        `restarts ${run.restarts}`,
        `rss ${mib(rss)} heap ${mib(heap)} MiB`,
        `fds ${descriptors} connections ${connections}`,
        `turn ${Math.round(longestTurn)} ms`,
      ].join(', '),
    );
  }
}

const mib = (bytes) => Math.round(bytes / 2 ** 20);
