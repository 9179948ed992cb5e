import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { recordAct } from '../apps/acts.mjs';
import { Random } from '../random.mjs';
import { oddResult } from './changes.mjs';
import { oddThrown } from './thrown.mjs';

/**
 * What a request wants of the app, in headers of its own:
 * `X-Odd` the seed of all that hooks, guards, interceptors and listeners do with it; without it they agree,
 * `X-Hang` the name of the hook that never ends.
 */
export function wishOf(header) {
  const [odd, hang] = [header?.['x-odd'], header?.['x-hang']];
  return { odd: typeof odd === 'string' ? odd : undefined, hang };
}

/** What no request decides agrees, too. */
export const isCalm = process.env.SOAK_CALM === 'yes';

const LONGEST_HOOK_MS = 300;
const AGREES = 0.5;

/** Hooks that do what the seed of the request says. */
export function oddHooks() {
  return {
    preUploadCreate: (event) => act('preUploadCreate', event),
    preFinishResponse: (event) => act('preFinishResponse', event),
    preUploadTerminate: (event) => act('preUploadTerminate', event),
    postFinish: failSometimes(),
  };
}

function act(name, event) {
  const { odd, hang } = wishOf(event.httpRequest.header);
  if (odd === undefined) return undefined;
  if (hang === name) {
    record(odd, name, 'hangs');
    return new Promise(() => undefined);
  }
  const random = new Random(odd).fork(name);
  if (random.chance(AGREES)) return undefined;
  return random.pick(ACTS)(random, (what, value) => record(odd, name, what, value));
}

const ACTS = [
  (random, say) => {
    const thrown = oddThrown(random);
    say('throws', thrown);
    throw thrown;
  },
  (random, say) => {
    const thrown = oddThrown(random);
    say('rejects with', thrown);
    return rejection(thrown);
  },
  async (random, say) => {
    await pause(random.below(LONGEST_HOOK_MS));
    const thrown = oddThrown(random);
    say('rejects late with', thrown);
    throw thrown;
  },
  (random, say) => {
    const result = oddResult(random);
    say('returns', result);
    return result;
  },
  async (random, say) => {
    await pause(random.below(LONGEST_HOOK_MS));
    const result = oddResult(random);
    say('resolves late with', result);
    return result;
  },
  async (random, say) => {
    const result = oddResult(random);
    say('resolves with', result);
    return result;
  },
];

/** A rejected promise, of whatever value: `async` would look at a thenable. */
const rejection = (value) => new Promise((_, reject) => reject(value));

/** A hook of at least once: it fails now and then, whatever it is called for. */
function failSometimes() {
  const random = new Random('postFinish');
  return (event) => {
    if (isCalm || !random.chance(0.3)) return undefined;
    const thrown = oddThrown(random);
    record(event.upload.id, 'postFinish', 'throws', thrown);
    throw thrown;
  };
}

/** Keeps what was done, for the reproduction. */
export function record(odd, where, what, ...values) {
  recordAct(`X-Odd ${odd}: ${where} ${what}${values.map((value) => ` ${shown(value)}`).join('')}`);
}

function shown(value) {
  try {
    return inspect(value, { depth: 3, breakLength: Infinity, maxStringLength: 100, maxArrayLength: 10 })
      .replace(/\n\s+at .*/g, '')
      .slice(0, 800);
  } catch {
    return 'an object that throws when it is looked at';
  }
}
