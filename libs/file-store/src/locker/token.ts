import { randomBytes } from 'node:crypto';

/** Who holds a lock, as the name of the lock's entry tells it. */
export interface Holder {
  readonly entry: string;
  readonly token: string;
  /** The name of the process. */
  readonly process: string;
  /** True when it took the lock from a holder that did not let go. */
  readonly seized: boolean;
}

const ENTRY = /^([0-9a-f]{24}([0-9a-f]{16}))(\.seized)?$/;

/** A name that no other process has had or will have. */
export function newProcessName(): string {
  return randomBytes(8).toString('hex');
}

/** Makes the tokens of a process: ordered by time, never the same twice, and naming the process. */
export function tokensOf(processName: string): () => string {
  let count = 0;
  return () => {
    count += 1;
    return hex(Date.now()) + hex(count) + processName;
  };
}

export function entryOf(token: string, seized: boolean): string {
  return seized ? `${token}.seized` : token;
}

/** @throws Error for a name that no locker has made */
export function holderNamed(entry: string): Holder {
  const [, token, process, seized] = ENTRY.exec(entry) ?? [];
  if (token === undefined || process === undefined) {
    throw new Error(`"${entry}" in a lock's folder was not put there by a FileLocker; remove it.`);
  }
  return { entry, token, process, seized: seized !== undefined };
}

function hex(number: number): string {
  return number.toString(16).padStart(12, '0');
}
