import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { within } from '../harness/eventually.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { expectUploads, LIBS } from './app-outside.js';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
/** What a clone does not have. */
const MADE_HERE = new Set(['.git', 'node_modules', 'dist', 'data']);
const BUILT = ['dist', ...LIBS.map((lib) => `libs/${basename(lib)}/dist`)];
const START_MS = 60_000;

let clone: string;
let server: ChildProcess | undefined;

beforeAll(async () => {
  clone = await temporaryFolder();
  await cp(ROOT, clone, { recursive: true, filter: (path) => !MADE_HERE.has(basename(path)) });
});

afterEach(async () => {
  if (!server?.pid || server.exitCode !== null) return;
  const ended = once(server, 'close');
  // What npm has started, too.
  process.kill(-server.pid, 'SIGKILL');
  await ended;
});

/** What `npm start` prints until it says that it is ready. @throws when it ends before */
function start(): Promise<string> {
  const args = ['start', '--', '--host', '127.0.0.1', '--port', '0'];
  const child = spawn('npm', args, { cwd: clone, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  server = child;
  const ready = new Promise<string>((resolve, reject) => {
    let output = '';
    const read = (text: Buffer) => {
      output += text.toString();
      if (/ready at (http:\S+)/.test(output)) resolve(output);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('close', () => reject(new Error(output)));
  });
  return within('npm start', ready, START_MS);
}

it('npm ci --omit=dev installs a clone without a complaint', async () => {
  const { stdout, stderr } = await run('npm', ['ci', '--omit=dev'], { cwd: clone });
  expect(stdout).toMatch(/^added \d+ packages/m);
  expect(stdout + stderr).not.toMatch(/warn|error/i);
});

it('npm start says there that nothing is built, and what to do', async () => {
  await expect(start()).rejects.toThrow('run `npm ci` without --omit=dev, or copy `dist` and `libs/*/dist`');
});

it('npm start says the same while a lib is missing', async () => {
  await cp(join(ROOT, 'dist'), join(clone, 'dist'), { recursive: true });
  await expect(start()).rejects.toThrow('run `npm ci` without --omit=dev, or copy `dist` and `libs/*/dist`');
});

it('npm start serves uploads there when it was built elsewhere', async () => {
  for (const folder of BUILT) await cp(join(ROOT, folder), join(clone, folder), { recursive: true });
  const [, url = ''] = /ready at (http:\S+)/.exec(await start()) ?? [];
  await expectUploads(url);
});
