import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { eventually, within } from '../../harness/eventually.js';

const START_DEADLINE_MS = 30_000;

/** An app in a process of its own. */
export interface ChildApp {
  /** Without a slash at the end. */
  readonly url: string;
  readonly pid: number;
  stdout(): string;
  /** Waits until the app has written this. */
  said(text: string): Promise<void>;
  /** Sends a signal and waits for the end. @returns the exit code; null when the signal ended it */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

const running = new Set<ChildProcess>();

/** Runs a file of this folder with the built libs, and waits for its line `ready at`. */
export function startChild(file: string, ...args: string[]): Promise<ChildApp> {
  return startProcess([join(import.meta.dirname, file), ...args]);
}

/** Runs Node with these arguments, and waits for the line `ready at`. */
export async function startProcess(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<ChildApp> {
  const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  const ready = eventually(
    'the line "ready at"',
    () => /ready at (\S+)/.exec(output)?.[1],
    START_DEADLINE_MS,
  );
  const url = await within('the start', ready, START_DEADLINE_MS);
  return {
    url,
    pid: child.pid ?? 0,
    stdout: () => output,
    said: async (text) => void (await eventually(`the app says: ${text}`, () => output.includes(text))),
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

process.once('exit', killAll);
afterAll(killAll);
