import { parseArgs } from 'node:util';
import { APP_NAMES } from './apps/app-process.mjs';

export const USAGE = `npm run soak -- [options]

  --minutes N    how long the load lasts (default 60)
  --seconds N    the same in seconds, for a look
  --seed N       decides what clients send and what hooks do (default: the time)
  --only A,B     only these apps: ${APP_NAMES.join(', ')}
  --clients N    hostile clients for each app (default 4); there are half as many honest ones
  --calm         hooks agree, and the folder is left alone: shows what comes from requests alone

Ends with exit code 1 when an app ended, an answer was missing or malformed, an honest upload was lost, or something was not given back.`;

const SECONDS_OF_MINUTE = 60;
const DEFAULT_MINUTES = 60;
/** Beyond that the folders of one run would grow for days. */
const MOST_MINUTES = 24 * 60;

/**
 * Reads the command line.
 * @throws Error with a text for whoever typed it
 */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string' },
      clients: { type: 'string' },
      calm: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const minutes = numberOf('minutes', values.minutes ?? String(DEFAULT_MINUTES));
  const seconds =
    values.seconds === undefined ? minutes * SECONDS_OF_MINUTE : numberOf('seconds', values.seconds);
  if (seconds > MOST_MINUTES * SECONDS_OF_MINUTE) {
    throw new Error(`--minutes: write at most ${MOST_MINUTES}`);
  }
  return {
    seconds,
    seed: values.seed ?? String(Date.now()),
    apps: appsOf(values.only),
    clients: Math.ceil(numberOf('clients', values.clients ?? '4')),
    isCalm: values.calm,
    help: values.help,
  };
}

function numberOf(name, text) {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name}: write a number above 0`);
  return value;
}

function appsOf(only) {
  const names = only?.split(',') ?? APP_NAMES;
  const unknown = names.find((name) => !APP_NAMES.includes(name));
  if (unknown !== undefined) {
    throw new Error(`--only: there is no app ${unknown}; write ${APP_NAMES.join(', ')}`);
  }
  return names;
}
