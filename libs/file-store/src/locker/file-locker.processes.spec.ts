import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as elapse } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const FIXTURE = join(import.meta.dirname, 'lock-process.fixture.mjs');
const BUILT = pathToFileURL(join(import.meta.dirname, '../../dist/index.js')).href;
/** Milliseconds; short for a test, and long enough for a process that gets little of the machine. */
const STALE_AFTER = 1_500;

interface Holding {
  token: string;
  previousToken?: string;
  seized: boolean;
}

let directory: string;
let children: LockProcess[];

/** A process that locks what it is told to. */
class LockProcess {
  private readonly said: string[] = [];
  private readonly heard = new EventEmitter();

  private constructor(private readonly child: ChildProcessByStdio<Writable, Readable, null>) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.said.push(line);
      this.heard.emit('line');
    });
  }

  static async start(): Promise<LockProcess> {
    const child = spawn(process.execPath, [FIXTURE, BUILT, directory, String(STALE_AFTER)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const started = new LockProcess(child);
    children.push(started);
    await started.hears('ready');
    return started;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  tell(command: string): void {
    this.child.stdin.write(`${command}\n`);
  }

  /** Waits until the process has said something that begins with `word`; returns the rest, and forgets it. */
  async hears(word: string): Promise<string> {
    for (;;) {
      const position = this.said.findIndex((line) => line.split(' ')[0] === word);
      if (position >= 0) return this.said.splice(position, 1).join('').slice(word.length).trim();
      await once(this.heard, 'line');
    }
  }

  async holds(): Promise<Holding> {
    return JSON.parse(await this.hears('held')) as Holding;
  }

  async locks(id: string): Promise<Holding> {
    this.tell(`lock ${id}`);
    return this.holds();
  }

  async answers(command: string, word: string): Promise<string> {
    this.tell(command);
    return this.hears(word);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.signal('SIGKILL');
    await ended;
  }

  async exit(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.tell('exit');
    await ended;
  }
}

const start = (count: number) => Promise.all(Array.from({ length: count }, () => LockProcess.start()));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'file-locker-'));
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map((child) => child.kill()));
  await rm(directory, { recursive: true, force: true });
});

describe('FileLocker between processes', () => {
  it('asks the holder in another process, and hands the lock over when it lets go', async () => {
    const [first, second] = (await start(2)) as [LockProcess, LockProcess];
    const { token } = await first.locks('upload');
    second.tell('lock upload');
    await first.hears('asked');
    first.tell('unlock');
    expect(await second.holds()).toMatchObject({ previousToken: token, seized: false });
  });

  it('takes the lock of a holder that is killed while others wait', async () => {
    const [holder, waiter] = (await start(2)) as [LockProcess, LockProcess];
    const { token } = await holder.locks('upload');
    waiter.tell('lock upload');
    await holder.hears('asked');
    await holder.kill();
    expect(await waiter.holds()).toMatchObject({ previousToken: token, seized: false });
  });

  it('takes the lock of a holder that was killed long ago, by a try too', async () => {
    const [holder, waiter] = (await start(2)) as [LockProcess, LockProcess];
    await holder.locks('one');
    await holder.locks('two');
    expect(await waiter.answers('try one', 'tried')).toBe('false');
    await holder.kill();
    expect(await waiter.answers('try one', 'tried')).toBe('true');
    await waiter.locks('two');
  });

  it('gives the lock of a dead holder to exactly one of two', async () => {
    const [one, two] = (await start(2)) as [LockProcess, LockProcess];
    for (let round = 0; round < 30; round += 1) {
      const holder = await LockProcess.start();
      await holder.locks('upload');
      const waiting = [one, two].map(async (waiter) => {
        await waiter.locks('upload');
        return waiter;
      });
      await holder.hears('asked');
      await holder.hears('asked');
      await holder.kill();
      const winner = await Promise.race(waiting);
      const loser = winner === one ? two : one;
      // The loser asks the winner: it waits, and does not hold the lock too.
      await winner.hears('asked');
      expect(await loser.answers('isHeld', 'isHeld')).toBe('false');
      await winner.answers('unlock', 'unlocked');
      await Promise.all(waiting);
      await loser.answers('unlock', 'unlocked');
    }
  }, 120_000);

  it('takes the lock from a paused holder, which learns it when it wakes, and harms nobody then', async () => {
    const [sleeper, thief, third] = (await start(3)) as [LockProcess, LockProcess, LockProcess];
    const { token } = await sleeper.locks('upload');
    sleeper.signal('SIGSTOP');
    expect(await thief.locks('upload')).toMatchObject({ previousToken: token, seized: true });
    sleeper.signal('SIGCONT');
    expect(await sleeper.hears('lost')).toBe('ERR_LOCK_LOST');
    expect(await sleeper.answers('isHeld', 'isHeld')).toBe('false');
    await sleeper.answers('unlock', 'unlocked');
    third.tell('lock upload');
    await thief.hears('asked');
    expect(await thief.answers('isHeld', 'isHeld')).toBe('true');
    thief.tell('unlock');
    expect(await third.holds()).toMatchObject({ seized: false });
  });

  it('tells a paused holder also when who took its lock is dead by then', async () => {
    const [sleeper, thief, heir] = (await start(3)) as [LockProcess, LockProcess, LockProcess];
    await sleeper.locks('upload');
    sleeper.signal('SIGSTOP');
    const { token } = await thief.locks('upload');
    await thief.kill();
    // The thief may have died before it could shut the sleeper out: the next one has to.
    expect(await heir.locks('upload')).toMatchObject({ previousToken: token, seized: true });
    sleeper.signal('SIGCONT');
    expect(await sleeper.hears('lost')).toBe('ERR_LOCK_LOST');
  });

  it('lets a live holder keep its lock, however long it takes', async () => {
    const [holder, waiter] = (await start(2)) as [LockProcess, LockProcess];
    await holder.locks('upload');
    expect(await waiter.answers(`lock upload ${3 * STALE_AFTER}`, 'refused')).toBe('ERR_UPLOAD_LOCKED');
    expect(await holder.answers('isHeld', 'isHeld')).toBe('true');
  });

  it('does not take the sleep of a waiter for that of the holder', async () => {
    const [holder, waiter] = (await start(2)) as [LockProcess, LockProcess];
    await holder.locks('upload');
    waiter.tell('lock upload');
    await holder.hears('asked');
    waiter.signal('SIGSTOP');
    await elapse(2 * STALE_AFTER);
    waiter.signal('SIGCONT');
    // It has run for a while again when it answers this.
    expect(await waiter.answers('isHeld', 'isHeld')).toBe('false');
    expect(await holder.answers('isHeld', 'isHeld')).toBe('true');
    await holder.answers('unlock', 'unlocked');
    expect(await waiter.holds()).toMatchObject({ seized: false });
  });

  it('frees a lock that was handed to one that had given up', async () => {
    const [holder, impatient, third] = (await start(3)) as [LockProcess, LockProcess, LockProcess];
    await holder.locks('upload');
    expect(await impatient.answers('lock upload 50', 'refused')).toBe('ERR_UPLOAD_LOCKED');
    await holder.answers('unlock', 'unlocked');
    // A try asks nobody: it is the process of the impatient one that has to see to it.
    while ((await third.answers('try upload', 'tried')) === 'false');
  });

  it('excludes, while many processes contend and some are killed inside', async () => {
    const log = join(directory, 'log');
    const rounds = 40;
    const contenders = await start(5);
    for (const contender of contenders) contender.tell(`contend upload ${rounds} ${log}`);
    const [first, second, ...survivors] = contenders as [LockProcess, LockProcess, ...LockProcess[]];
    for (const victim of [first, second]) {
      await victim.hears('round');
      await victim.kill();
    }
    await Promise.all(survivors.map((survivor) => survivor.hears('done')));

    const killed = new Set([first.pid, second.pid].map(String));
    const left = new Map<string, number>();
    let inside: string | undefined;
    for (const line of (await readFile(log, 'utf8')).trimEnd().split('\n')) {
      const [step, pid = ''] = line.split(' ');
      if (step === 'enter') {
        expect(inside === undefined || killed.has(inside)).toBe(true);
        inside = pid;
      } else {
        expect(pid).toBe(inside);
        inside = undefined;
        left.set(pid, (left.get(pid) ?? 0) + 1);
      }
    }
    for (const { pid } of survivors) expect(left.get(String(pid))).toBe(rounds);
  }, 120_000);

  it('leaves nothing behind when it is closed or its process exits, and sweeps what the killed have left', async () => {
    const processes = () => readdir(join(directory, '.locks/processes'));
    const [closing, leaving, killed] = (await start(3)) as [LockProcess, LockProcess, LockProcess];
    for (const [number, child] of [closing, leaving, killed].entries()) await child.locks(`upload-${number}`);
    expect(await processes()).toHaveLength(3);
    await closing.answers('close', 'closed');
    expect(await processes()).toHaveLength(2);
    await leaving.exit();
    expect(await processes()).toHaveLength(1);
    await killed.kill();
    expect(await processes()).toHaveLength(1);
    const [next] = (await start(1)) as [LockProcess];
    await next.locks('another');
    expect(await processes()).toHaveLength(1);
    for (const number of [0, 1, 2]) {
      await next.locks(`upload-${number}`);
      await next.answers('unlock', 'unlocked');
    }
    await next.locks('another-one');
    expect(await readdir(join(directory, '.locks/held'))).toEqual(['another', 'another-one']);
  });
});
