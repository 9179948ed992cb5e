import { setTimeout as pause } from 'node:timers/promises';
import { CLOSED, Connection, SILENT } from '../wire/connection.mjs';
import { faultsOf } from './check-answer.mjs';
import { shown } from './hostile-client.mjs';

/** What clients try again: locked, and what passes by itself. */
const PASSING = [423, 503];
const RETRY_MS = 100;
/** Longer than all timeouts of the app together. */
const GIVE_UP_MS = 60_000;

/** Thrown when an honest client did not get what it must get. It was counted as a failure already. */
export class Disappointed extends Error {}

/**
 * One honest request on a connection of its own.
 * @param run what all clients of an app share
 * @param cutAt how many bytes of the body are sent before the client vanishes; left out: it stays
 * @returns the answer; CLOSED when the client vanished
 */
export async function request(run, { method, target, headers, body = Buffer.alloc(0), cutAt }) {
  const fields = { Host: `127.0.0.1:${run.port}`, ...headers };
  if (['POST', 'PATCH', 'PUT'].includes(method)) fields['Content-Length'] = String(body.length);
  const head = `${method} ${target} HTTP/1.1\r\n${Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;
  const text = `${head}[${body.length} bytes]`;
  const connection = await open(run, text);
  try {
    const answer = connection.expect(method, run.boundMs);
    await connection.send(Buffer.concat([Buffer.from(head, 'latin1'), body.subarray(0, cutAt)]));
    if (cutAt !== undefined) {
      connection.reset();
      await answer;
      return CLOSED;
    }
    return check(run, connection, text, await answer);
  } finally {
    connection.destroy();
  }
}

async function open(run, text) {
  try {
    return await Connection.open(run.port);
  } catch {
    await failUnlessDown(run);
    return disappoint(run, 'no connection', text);
  }
}

/** When the app has ended, that is the failure, and what its clients miss follows from it. */
async function failUnlessDown(run) {
  if (await run.isDown()) throw new Disappointed('the app has ended');
}

async function check(run, connection, text, answer) {
  const method = text.split(' ', 1)[0];
  if (connection.malformed) disappoint(run, `malformed: ${connection.malformed.reason}`, text);
  if (answer === SILENT) disappoint(run, `no answer to ${method}`, text);
  if (answer === CLOSED) await failUnlessDown(run);
  if (answer === CLOSED) disappoint(run, `closed without an answer to ${method}`, text);
  run.count(`${Math.floor(answer.status / 100)}xx`);
  const [fault] = faultsOf(answer);
  if (fault) disappoint(run, fault, text, answer);
  if (answer.status >= 500 && answer.status !== 503) {
    disappoint(run, `${answer.status} to ${method}`, text, answer);
  }
  return answer;
}

/** Asks until the answer is none that passes. */
export async function insist(run, wanted) {
  const started = performance.now();
  for (;;) {
    const answer = await request(run, wanted);
    if (!PASSING.includes(answer.status)) return answer;
    if (performance.now() - started > GIVE_UP_MS) {
      disappoint(
        run,
        `${wanted.method} is ${answer.status} for ever`,
        JSON.stringify(wanted.headers),
        answer,
      );
    }
    await pause(RETRY_MS);
  }
}

/**
 * Counts a failure and ends the upload that it happened to.
 * @throws Disappointed
 */
export function disappoint(run, what, text, answer) {
  run.fail('honest upload', what, [text, ...(answer?.fields ? [shown(answer)] : [])]);
  throw new Disappointed(what);
}
