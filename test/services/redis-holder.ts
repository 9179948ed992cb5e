import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RedisLockerOptions } from '@nestjs-tus/redis-locker';
import { within } from '../harness/eventually.js';

const SCRIPT = join(import.meta.dirname, 'hold-redis-lock.mjs');
const DEADLINE_MS = 60_000;

interface Said {
  readonly event: 'held' | 'asked' | 'lost' | 'isHeld' | 'unlocked' | 'blocked';
  readonly token?: string;
  readonly held?: boolean;
}

/** Another process that holds a lock. */
export interface Holder {
  readonly token: string;
  signal(name: NodeJS.Signals): void;
  tell(command: 'isHeld' | 'unlock' | 'block'): void;
  /** The first thing of this kind that it says, or has said. */
  said(event: Said['event']): Promise<Said>;
}

const running = new Set<ChildProcess>();

/** Starts a process that takes the lock, and waits until it holds it. It is killed after the tests of this file. */
export async function startHolder(options: RedisLockerOptions, id: string): Promise<Holder> {
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(options), id], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  const heard = new Map<string, Said>();
  const listeners = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as Said;
    if (!heard.has(said.event)) heard.set(said.event, said);
    for (const listener of listeners) listener();
  });
  const said = (event: Said['event']) =>
    within(
      `the holder says "${event}"`,
      new Promise<Said>((resolve) => {
        const look = () => {
          const what = heard.get(event);
          if (what) resolve(what);
        };
        listeners.add(look);
        look();
      }),
      DEADLINE_MS,
    );
  const { token = '' } = await said('held');
  return {
    token,
    said,
    signal: (name) => void child.kill(name),
    tell: (command) => void child.stdin.write(`${command}\n`),
  };
}

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});
