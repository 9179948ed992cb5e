import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { backendFlags } from './backend.js';
import { within } from './eventually.js';
import { temporaryFolder } from './temporary-folder.js';

const MAIN = join(import.meta.dirname, '../../dist/main.js');
const START_DEADLINE_MS = 30_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The server, running as its users run it. */
export interface ServerProcess {
  /** The collection, e.g. `http://127.0.0.1:40123/files/`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly uploadDir: string;
  stdout(): string;
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
  readonly exited: Promise<Exit>;
}

export interface ServerOptions {
  readonly flags?: readonly string[];
  /** Default: a new temporary folder. */
  readonly uploadDir?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Added to this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Of Node itself: `--max-old-space-size=128`. */
  readonly nodeFlags?: readonly string[];
}

/** Starts the built server and waits until it says that it is ready. It is ended after the tests of this file. */
export async function startServer(given: ServerOptions = {}): Promise<ServerProcess> {
  const uploadDir = given.uploadDir ?? (await temporaryFolder());
  const child = runServer(
    [
      ...['--host', '127.0.0.1', '--port', String(given.port ?? 0), ...backendFlags(uploadDir)],
      ...(given.flags ?? []),
    ],
    given.environment,
    given.nodeFlags,
  );
  const url = await within('the line "ready at"', child.ready, START_DEADLINE_MS);
  return { ...child, url, port: Number(new URL(url).port), uploadDir };
}

interface RunningServer extends Pick<
  ServerProcess,
  'pid' | 'stdout' | 'stderr' | 'signal' | 'stop' | 'exited'
> {
  /** The URL of the ready line. Rejects when the process ends before. */
  readonly ready: Promise<string>;
}

/** Runs the server with exactly these arguments. */
export function runServer(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  nodeFlags: readonly string[] = [],
): RunningServer {
  const child = spawn(process.execPath, [...nodeFlags, MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...withoutTestVariables(process.env), ...environment },
  });
  running.add(child);
  const output = { stdout: '', stderr: '' };
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => {
      output.stdout += text.toString();
      const match = /ready at (http:\/\/\S+)/.exec(output.stdout);
      if (match?.[1]) resolve(match[1]);
    });
    child.stderr.on('data', (text: Buffer) => (output.stderr += text.toString()));
    void exited.then(({ code, signal }) => {
      reject(
        new Error(
          `the server ended (${code ?? signal}) before it was ready:\n${output.stdout}${output.stderr}`,
        ),
      );
    });
  });
  ready.catch(() => undefined);
  const signal = (name: NodeJS.Signals) => void child.kill(name);
  return {
    pid: child.pid ?? 0,
    ready,
    exited,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    signal,
    stop(name = 'SIGTERM') {
      signal(name);
      return exited;
    },
  };
}

/** What steers the tests would be a warning of the server, which knows all variables that begin with TUS_. */
function withoutTestVariables(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('TUS_TEST_')));
}

const running = new Set<ChildProcess>();

function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

// Jest may be interrupted: no server may outlive it.
process.once('exit', killAll);

afterAll(async () => {
  const ended = [...running].map((child) => new Promise((resolve) => child.once('close', resolve)));
  killAll();
  await Promise.all(ended);
});
