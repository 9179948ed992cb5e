import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Upload } from 'tus-js-client';
import { within } from '../harness/eventually.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { download } from '../harness/tus-requests.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
/** All that this repository publishes. */
export const LIBS = [
  '@nestjs-tus/core',
  '@nestjs-tus/file-store',
  '@nestjs-tus/lease-locker',
  '@nestjs-tus/object-storage',
  '@nestjs-tus/redis-locker',
  '@nestjs-tus/s3-store',
  'nestjs-tus',
];
const CONTENT = randomContent('packed', 1_000_000);

export interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** An app in a folder of its own, which knows of this repository only what `npm pack` gives away. */
export interface AppOutside {
  readonly folder: string;
  readonly packed: readonly Packed[];
  write(file: string, content: string): Promise<void>;
  /**
   * Runs Node in the app's folder to its end.
   *
   * @param args a program with its arguments, and options of Node before it
   * @returns what it wrote; rejects when it failed
   */
  run(...args: string[]): Promise<string>;
  /** Starts a program that prints `serving` and a URL. @returns the URL */
  serve(file: string): Promise<string>;
}

/** Installs the packed libs into a new app, beside packages from the registry. */
export async function installOutside(fromRegistry: readonly string[]): Promise<AppOutside> {
  const folder = await temporaryFolder();
  const workspaces = LIBS.flatMap((lib) => ['--workspace', lib]);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder, ...workspaces], {
    cwd: root,
  });
  const packed = JSON.parse(stdout.slice(stdout.indexOf('['))) as Packed[];
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'app-outside', private: true }));
  const tarballs = packed.map(({ filename }) => `./${filename}`);
  await run('npm', ['install', '--no-audit', '--no-fund', ...tarballs, ...fromRegistry], { cwd: folder });
  return {
    folder,
    packed,
    async write(file, content) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), content);
    },
    async run(...args) {
      const done = await run(process.execPath, args, { cwd: folder }).catch(
        (error: Error & { stdout: string; stderr: string }) => {
          throw new Error(`node ${args.join(' ')} failed:\n${error.stdout}${error.stderr}`, { cause: error });
        },
      );
      return done.stdout + done.stderr;
    },
    serve: (file) => serve(folder, file),
  };
}

const started = new Set<ChildProcess>();

/** For `afterEach`. */
export async function endServed(): Promise<void> {
  const ended = [...started].map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of started) child.kill('SIGKILL');
  await Promise.all(ended);
}

function serve(folder: string, file: string): Promise<string> {
  const child = spawn(process.execPath, [file], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  started.add(child);
  child.once('close', () => started.delete(child));
  const url = new Promise<string>((resolve, reject) => {
    let output = '';
    const read = (text: Buffer) => {
      output += text.toString();
      const [, found] = /serving (http:\S+)/.exec(output) ?? [];
      if (found) resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('close', () => reject(new Error(`${file} ended:\n${output}`)));
  });
  return within(`${file} serving`, url, 60_000);
}

/** Uploads with tus-js-client. @throws when the server has something else then */
export async function expectUploads(endpoint: string): Promise<void> {
  const url = await new Promise<string>((resolve, reject) => {
    const upload = new Upload(CONTENT, {
      endpoint,
      chunkSize: 300_000,
      retryDelays: null,
      metadata: { filename: 'größe.bin' },
      onError: reject,
      onSuccess: () => resolve(upload.url ?? ''),
    });
    upload.start();
  });
  expect(sha256((await download(url)).body)).toBe(sha256(CONTENT));
}
