import { inspect } from 'node:util';
import { Random } from '../random.mjs';
import { isCalm, record } from './hooks.mjs';

const SHARE_OF_FAILURES = 0.02;
/** Characters that are kept for a reproduction. */
const MOST_OF_LINE = 1_000;

/** A logger that looks at what it is given, as real ones do, and fails now and then: its disk is full, its socket gone. */
export function oddLogger() {
  const random = new Random('logger');
  const writing =
    (level) =>
    (...words) => {
      const line = words.map((word) => (typeof word === 'string' ? word : shown(word))).join(' ');
      if (level === 'error') record('none', 'the log', `says: ${line.slice(0, MOST_OF_LINE)}`);
      if (isCalm || !random.chance(SHARE_OF_FAILURES)) return;
      record('none', 'the logger', `throws at: ${line.slice(0, MOST_OF_LINE)}`);
      throw new Error('the logger failed');
    };
  return Object.fromEntries(['error', 'warn', 'log', 'debug'].map((level) => [level, writing(level)]));
}

function shown(word) {
  try {
    return inspect(word);
  } catch {
    return 'an object that throws when it is looked at';
  }
}
