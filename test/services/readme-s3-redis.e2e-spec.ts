import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { Upload } from 'tus-js-client';
import ts from 'typescript';
import { within } from '../harness/eventually.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { download } from '../harness/tus-requests.js';
import { Ceph } from './ceph.js';
import { type RedisServers, startRedis } from './redis-servers.js';

const ROOT = join(import.meta.dirname, '../..');
/** Where packages of this repository are found by their names. */
const CACHE = join(ROOT, 'node_modules/.cache');
const START_MS = 60_000;
const REDIS_OF_THE_PAGE = 'redis://127.0.0.1:6379';

let ceph: Ceph;
let redis: RedisServers;
let section: string;
let folder: string;
let running: ChildProcess | undefined;

beforeAll(async () => {
  [ceph, redis] = await Promise.all([Ceph.start(), startRedis('single')]);
  await ceph.client.send(new CreateBucketCommand({ Bucket: 'uploads' }));
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  section = /^## On many nodes\n(.*?)^## /ms.exec(readme)?.[1] ?? '';
  await mkdir(CACHE, { recursive: true });
  folder = await mkdtemp(join(CACHE, 'readme-'));
});

afterEach(async () => {
  if (!running?.pid || running.exitCode !== null) return;
  const ended = once(running, 'close');
  // What a shell has started, too.
  process.kill(-running.pid, 'SIGKILL');
  await ended;
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await ceph.stop();
});

function block(language: string): string {
  return new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(section)?.[1] ?? '';
}

/** Runs a command whose AWS is Ceph, and gives the URL that it prints. */
function run(command: string, environment: Record<string, string>): Promise<string> {
  const child = spawn('sh', ['-c', command], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...ceph.environment(), AWS_ENDPOINT_URL_S3: ceph.endpoint, ...environment },
  });
  running = child;
  const url = new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (text: Buffer) => {
      output += text.toString();
      const [, found] = /ready at (http:\S+)/.exec(output) ?? [];
      if (found) resolve(found.replace('0.0.0.0', '127.0.0.1'));
    });
    child.once('close', () => reject(new Error(`${command} ended:\n${output}`)));
  });
  return within(command, url, START_MS);
}

async function expectUploads(endpoint: string, seed: string): Promise<void> {
  const content = randomContent(seed, 12_000_000);
  const url = await new Promise<string>((resolve, reject) => {
    const upload = new Upload(content, {
      endpoint,
      chunkSize: 7_000_000,
      retryDelays: null,
      onError: reject,
      onSuccess: () => resolve(upload.url ?? ''),
    });
    upload.start();
  });
  expect(sha256((await download(url)).body)).toBe(sha256(content));
  expect(await ceph.keys('uploads')).toContain(new URL(url).pathname.split('/').at(-1));
  expect(await redis.ask(['DBSIZE'])).toBeGreaterThan(0);
}

it('the command of README "On many nodes" serves uploads from the bucket', async () => {
  const command = block('sh');
  expect(command).toContain(REDIS_OF_THE_PAGE);
  const here = command.replace(REDIS_OF_THE_PAGE, String(redis.options.url));
  await expectUploads(await run(here, { TUS_PORT: '0' }), 'command');
});

it('the module of README "On many nodes" serves uploads from the bucket', async () => {
  const { outputText } = ts.transpileModule(block('ts'), {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ES2022,
      experimentalDecorators: true,
    },
  });
  await writeFile(join(folder, 'app.module.mjs'), outputText);
  await writeFile(
    join(folder, 'main.mjs'),
    `import 'reflect-metadata';
     import { NestFactory } from '@nestjs/core';
     import { AppModule } from './app.module.mjs';
     const app = await NestFactory.create(AppModule, { logger: false });
     await app.listen(0, '127.0.0.1');
     console.log('ready at ' + (await app.getUrl()) + '/files/');`,
  );
  const command = `exec node ${join(folder, 'main.mjs')}`;
  await expectUploads(await run(command, { REDIS_URL: String(redis.options.url) }), 'module');
});
