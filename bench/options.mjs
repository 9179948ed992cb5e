import { parseArgs } from 'node:util';
import { SERVERS } from './servers.mjs';

export const USAGE = `npm run bench -- [options]

  --quick        small loads and one round: shows that everything runs, its figures mean little
  --rounds N     how often each server has its turn (default 5)
  --only A,B     only these servers: ${Object.keys(SERVERS).join(', ')}
  --data-dir D   where uploads go (default: /dev/shm where there is one, else the folder for temporary files)

TUSD=/path/to/tusd adds that binary to the comparison.`;

const MIB = 2 ** 20;
const FULL = { rounds: 5, patchBytes: 1024 * MIB, smallUploads: 2000, heads: 4000 };
const QUICK = { rounds: 1, patchBytes: 64 * MIB, smallUploads: 200, heads: 200 };

/**
 * Reads the command line.
 * @throws Error with a text for whoever typed it
 */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string' },
      'data-dir': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const size = values.quick ? QUICK : FULL;
  const rounds = values.rounds === undefined ? size.rounds : Number(values.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error('--rounds: write a number from 1 on');
  return { ...size, rounds, help: values.help, dataDir: values['data-dir'], servers: chosen(values.only) };
}

function chosen(only) {
  const names = only?.split(',') ?? Object.keys(SERVERS).filter((name) => SERVERS[name].isThere());
  for (const name of names) {
    if (!SERVERS[name])
      throw new Error(`--only: there is no ${name}; write ${Object.keys(SERVERS).join(', ')}`);
    if (!SERVERS[name].isThere()) throw new Error(`--only: ${name} needs ${SERVERS[name].needs}`);
  }
  return names;
}
