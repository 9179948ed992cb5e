import { spawn } from 'node:child_process';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, 'main.mjs');
const LOAD_SECONDS = 20;
/** The load, the starts of the apps, what their last requests may take, and a busy machine. */
const DEADLINE_MS = 240_000;

/** `npm run soak` for a short time, with the same choices in each run; by hand it takes an hour, with choices of its own. */
describe('apps whose hooks, clients and operators are odd', () => {
  it(
    'neither end, nor hang, nor lose an honest upload, nor keep what clients have left',
    async () => {
      const { code, output } = await soak('--seconds', String(LOAD_SECONDS), '--seed', '1', '--clients', '3');
      expect(code === 0 ? 'no failure' : output).toBe('no failure');
    },
    DEADLINE_MS,
  );
});

async function soak(...options: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [MAIN, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child.pid);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => (output += text.toString()));
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  running.delete(child.pid);
  return { code, output };
}

const running = new Set<number | undefined>();

// Its apps end with it.
afterAll(() => {
  for (const pid of running) if (pid !== undefined) process.kill(pid, 'SIGTERM');
});
