import { ErrorReply } from 'redis';
import type { Connection } from './connection.js';
import { keysOf } from './leases.js';
import { refusalCodeOf } from './outage.js';
import { IS_CLUSTER, RELEASE, RENEW, TAKE } from './scripts.js';

/** Milliseconds that the rehearsal's keys live, should this process end in the middle of it. */
const LIFETIME_MS = 1_000;

/** Errors of Redis that pass by themselves. */
const PASSING: ReadonlySet<string> = new Set([
  ...['LOADING', 'BUSY', 'OOM', 'MISCONF', 'READONLY', 'MASTERDOWN', 'NOREPLICAS'],
  ...['CLUSTERDOWN', 'TRYAGAIN', 'MOVED', 'ASK'],
]);
const TOO_MANY_CLIENTS = 'ERR max number of clients reached';

/**
 * Does once what locks need, messages to this node included, on a lock that nobody else wants.
 *
 * @throws Error when the server belongs to a cluster, and the locker does not know it
 */
export async function rehearse(
  connection: Connection,
  prefix: string,
  node: string,
  channels: string,
): Promise<void> {
  if (!connection.isCluster && Number(await connection.run(IS_CLUSTER, [], [])) === 1) {
    throw new Error('RedisLocker: this Redis is a node of a cluster: use the option "cluster".');
  }
  const id = `~start~${node}`;
  const keys = keysOf(prefix, id);
  const take = (nonce: string) =>
    connection.run(TAKE, keys, [node, nonce, LIFETIME_MS, LIFETIME_MS, 0, 0, 'wait', channels]);
  await take('first');
  // Waits, and asks for the release by a message.
  await take('second');
  await connection.run(RENEW, keys.slice(0, 2), [LIFETIME_MS, LIFETIME_MS, `${node} first`]);
  await connection.run(RELEASE, keys, [node, 'first', LIFETIME_MS, channels, id, 'done']);
}

/** What the operator has to change, when `error` says that Redis refuses what locks need, and that will not pass. */
export function misconfigurationOf(error: unknown): string | undefined {
  if (!(error instanceof ErrorReply)) return undefined;
  const { message } = error;
  const code = refusalCodeOf(error);
  if (PASSING.has(code) || message.startsWith(TOO_MANY_CLIENTS)) return undefined;
  return `RedisLocker: ${adviceFor(code, message)} (Redis says: ${message})`;
}

function adviceFor(code: string, message: string): string {
  if (code === 'WRONGPASS' || code === 'NOAUTH' || /\bAUTH\b|password/.test(message))
    return 'Redis wants another login: check user and password';
  // A command that a script runs is refused in other words.
  if (code === 'NOPERM' || message.includes('The user executing the script'))
    return 'Redis does not let this user do what locks need: the README of @nestjs-tus/redis-locker lists the rights';
  if (/DB index|SELECT/.test(message)) return 'Redis does not have this database: check its number';
  return 'Redis refuses what locks need';
}
