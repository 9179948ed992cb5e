import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions, USAGE } from './options.mjs';
import { medians, medianTable, ratioTable } from './report.mjs';
import { OURS, SERVERS } from './servers.mjs';
import { takeTurn } from './turn.mjs';

const SHARED_MEMORY = '/dev/shm';
/** Type of a tmpfs in Linux's statfs. */
const TMPFS_MAGIC = 0x01021994;

let options;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exit(2);
}
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}
await compare(options);

/** Gives each server its turn in each round, and prints the medians and what ours is of the others'. */
async function compare({ servers, rounds, ...load }) {
  const dataDir = load.dataDir ?? (await roomyFolder(load.patchBytes));
  const turns = new Map(servers.map((name) => [name, []]));
  console.log(await circumstances(dataDir, rounds));

  for (let round = 0; round < rounds; round++) {
    // Each round begins with another server, so that none always follows the same one.
    for (const name of rotated(servers, round)) {
      process.stderr.write(`round ${round + 1} of ${rounds}: ${name}\n`);
      turns.get(name).push(await takeTurn(SERVERS[name], { ...load, dataDir }));
    }
  }

  const rows = servers.map((name) => ({
    name,
    title: SERVERS[name].title,
    values: medians(turns.get(name)),
  }));
  console.log(`\n${medianTable(rows, load)}`);
  const ours = rows.find(({ name }) => name === OURS);
  const others = rows.filter(({ name }) => name !== OURS);
  if (ours && others.length > 0) console.log(`\n${ratioTable(ours, others, load)}`);
}

async function circumstances(dataDir, rounds) {
  const { type } = await statfs(dataDir);
  const version = (name) =>
    JSON.parse(readFileSync(join(import.meta.dirname, '../node_modules', name, 'package.json'), 'utf8'))
      .version;
  return [
    `Node ${process.version}, ${availableParallelism()} cores, medians of ${rounds} round${rounds > 1 ? 's' : ''}, servers in turn`,
    `uploads in ${dataDir} (${type === TMPFS_MAGIC ? 'tmpfs: memory, no disk' : 'not a tmpfs: the disk counts too'})`,
    `@tus/server ${version('@tus/server')}, @tus/file-store ${version('@tus/file-store')}`,
    'a 1 KiB upload is one creation-with-upload request; 16 connections; the load comes from a process of its own',
  ].join('\n');
}

/** Shared memory if there is any with room for the load, else the folder for temporary files. */
async function roomyFolder(bytes) {
  try {
    const { bavail, bsize } = await statfs(SHARED_MEMORY);
    if (bavail * bsize > bytes * 1.5) return SHARED_MEMORY;
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  return tmpdir();
}

function rotated(list, by) {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
