import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '../harness/temporary-folder.js';

const run = promisify(execFile);
const main = join(import.meta.dirname, '../../bench/main.mjs');

/** The cells of the table rows that begin with `title`. */
function rowsOf(output: string, title: string): string[][] {
  return output
    .split('\n')
    .filter((line) => line.startsWith(`| ${title}`))
    .map((line) => line.split('|').slice(2, -1));
}

it('the benchmark measures each server, compares ours with the others, and leaves nothing behind', async () => {
  const dataDir = await temporaryFolder();
  const args = ['--quick', '--only', 'nestjs-tus,tus-node-server', '--data-dir', dataDir];
  const { stdout } = await run(process.execPath, [main, ...args]);
  const [ours] = rowsOf(stdout, 'nestjs-tus (npm start) ');
  const [theirs, ratios] = rowsOf(stdout, '@tus/server');
  for (const row of [ours, theirs, ratios]) {
    expect(row).toHaveLength(7);
    expect(Number(row?.[0])).toBeGreaterThan(0);
  }
  expect(await readdir(dataDir)).toEqual([]);
}, 120_000);

it('the benchmark says what is wrong with its options', async () => {
  await expect(run(process.execPath, [main, '--only', 'nginx'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('there is no nginx; write nestjs-tus, '),
  });
});
