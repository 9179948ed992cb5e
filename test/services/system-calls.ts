import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { within } from '../harness/eventually.js';
import { temporaryFolder } from '../harness/temporary-folder.js';

/** One system call of the traced process. Two may overlap: `begin` and `end` are positions in one common order. */
export interface SystemCall {
  readonly name: string;
  /** As strace prints them, descriptors with their paths: `3</tmp/a>, "text"..., 4`. */
  readonly args: string;
  /** What it returned, e.g. `3</tmp/a>`; negative when it failed. */
  readonly result: string;
  readonly begin: number;
  readonly end: number;
}

const TRACED = [
  ...[
    'openat',
    'write',
    'writev',
    'pwrite64',
    'pwritev',
    'pwritev2',
    'ftruncate',
    'copy_file_range',
    'sendfile',
  ],
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'unlink', 'unlinkat'],
  ...['fsync', 'fdatasync', 'sync', 'syncfs', 'sync_file_range', 'sendto', 'sendmsg'],
];

/** Watches a process, all its threads included, until `stop`, which gives what it called meanwhile. */
export async function traceProcess(pid: number): Promise<{ stop(): Promise<SystemCall[]> }> {
  const output = join(await temporaryFolder(), 'strace.out');
  const args = ['-f', '-y', '-s', '64', '-e', `trace=${TRACED.join(',')}`, '-o', output, '-p', String(pid)];
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = new Promise<void>((resolve) => strace.once('close', () => resolve()));
  const attached = new Promise<void>((resolve, reject) => {
    let said = '';
    strace.stderr.on('data', (text: Buffer) => {
      said += text.toString();
      if (/attached/.test(said)) resolve();
    });
    strace.once('error', (cause) => {
      reject(new Error('strace could not be started; test/services/install installs it', { cause }));
    });
    strace.once('close', () => reject(new Error(`strace ended: ${said}`)));
  });
  await within('strace attaching to the server', attached);
  return {
    async stop() {
      strace.kill('SIGINT');
      await within('the end of strace', exited);
      return parseTrace(await readFile(output, 'utf8'));
    },
  };
}

/**
 * Reads what `strace -f -y` wrote. A call that another thread interrupts stands on two lines:
 * `7 fsync(3</a> <unfinished ...>` and `7 <... fsync resumed>) = 0`.
 */
export function parseTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, { head: string; begin: number }>();
  text.split('\n').forEach((line, position) => {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const cut = /^(.*?)\s*<unfinished \.\.\.>$/.exec(rest);
    if (cut?.[1] !== undefined) {
      unfinished.set(thread, { head: cut[1], begin: position });
      return;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const started = resumed ? unfinished.get(thread) : undefined;
    const whole = started ? `${started.head}${resumed?.[1] ?? ''}` : rest;
    const [, name, args, result] = /^(\w+)\((.*)\)\s+= (.*)$/.exec(whole) ?? [];
    if (name === undefined || args === undefined || result === undefined) return;
    calls.push({ name, args, result, begin: started?.begin ?? position, end: position });
  });
  return calls.sort((a, b) => a.end - b.end);
}
