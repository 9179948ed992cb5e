import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 5_000;
const POLL_INTERVAL_MS = 20;
/** Linux counts a process's time in these units, on every platform that Node has. */
const TICKS_PER_SECOND = 100;
const KIB_PER_MIB = 1024;

/** Starts a server of the table, and resolves when it takes connections. */
export async function startServer(server, folder) {
  const port = await freePort();
  const [file, ...args] = server.command({ port, folder });
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (text) => (complaints += text));
  let failure;
  child.once('error', (error) => (failure = error.message));
  const exited = new Promise((resolve) => child.once('close', resolve));
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  void exited.then(() => process.off('exit', endWithUs));

  const end = performance.now() + START_DEADLINE_MS;
  while (!(await accepts(port))) {
    if (failure === undefined && child.exitCode === null && performance.now() < end) {
      await pause(POLL_INTERVAL_MS);
      continue;
    }
    child.kill('SIGKILL');
    throw new Error(`${server.title} did not start: ${failure ?? complaints}`);
  }
  return {
    port,
    /** Seconds of processor time of all its threads so far. */
    cpuSeconds: () => cpuSeconds(child.pid),
    /** The largest memory that it had so far, in MiB. */
    peakMemory: () => statusKib(child.pid, 'VmHWM') / KIB_PER_MIB,
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
      await exited;
      clearTimeout(late);
    },
  };
}

function cpuSeconds(pid) {
  // The second field is the program's name in parentheses; it may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  return (userTicks + systemTicks) / TICKS_PER_SECOND;
}

function statusKib(pid, field) {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
