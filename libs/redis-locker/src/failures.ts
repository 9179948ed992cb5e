import { NotDone } from '@nestjs-tus/lease-locker';
import { ClientClosedError, ClientOfflineError, ErrorReply } from 'redis';

/** Errors of Redis that pass by themselves. */
const PASSING: ReadonlySet<string> = new Set([
  ...['LOADING', 'BUSY', 'OOM', 'MISCONF', 'READONLY', 'MASTERDOWN', 'NOREPLICAS'],
  ...['CLUSTERDOWN', 'TRYAGAIN', 'MOVED', 'ASK'],
]);
const TOO_MANY_CLIENTS = 'ERR max number of clients reached';

/** The failure of a command that was given to a client: `NotDone` when Redis refused it, or the client had no connection. */
export function commandFailed(error: unknown): unknown {
  const isNotDone =
    error instanceof ErrorReply || error instanceof ClientOfflineError || error instanceof ClientClosedError;
  return isNotDone ? notDone(error) : error;
}

/** The failure of something that was not sent, or that Redis refused. */
export function notDone(error: unknown): NotDone {
  return new NotDone(error, refusalOf(error));
}

/** The first word of Redis' refusal, e.g. `NOPERM`; `undefined` for an error that is not Redis' own. */
export function refusalOf(error: unknown): string | undefined {
  return error instanceof ErrorReply ? error.message.split(' ', 1)[0] : undefined;
}

/** What the operator has to change, when `error` says that Redis refuses what locks need, and that will not pass. */
export function adviceOn(error: unknown): string | undefined {
  const code = refusalOf(error);
  if (code === undefined) return undefined;
  const { message } = error as ErrorReply;
  if (PASSING.has(code) || message.startsWith(TOO_MANY_CLIENTS)) return undefined;
  return `${adviceFor(code, message)} (Redis says: ${message})`;
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
