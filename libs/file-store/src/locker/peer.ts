import { connect, type Socket } from 'node:net';
import { hasErrno } from '../errno.js';
import { readLines, writeLine } from './lines.js';

/** A peer that answers nothing in so many intervals, all seen by this process, is paused. */
const SILENT_INTERVALS = 5;

/**
 * What becomes of a request for another process's lock.
 *
 * - `granted`: it has made the asker the holder
 * - `gone`: it does not hold the lock any more
 * - `closed`: the connection ended; look again
 * - `dead`: the process does not exist any more
 */
export type Answer = 'granted' | 'gone' | 'closed' | 'dead';

export interface Want {
  readonly id: string;
  /** The token that holds the lock. */
  readonly holder: string;
  /** The token that wants it. */
  readonly token: string;
}

export interface Request {
  readonly answer: Promise<Answer>;
  /** Resolves when the process has given no sign of life for `staleAfter`. The answer is still to come. */
  readonly silent: Promise<void>;
}

interface OpenRequest {
  silentIntervals: number;
  settle(answer: Answer): void;
  fail(error: Error): void;
  reportSilence(): void;
}

/**
 * The connection to another process that holds locks. It is kept until every request has its answer, that of a process
 * that sleeps included: only then is it certain that the lock cannot be handed to an asker that has given up.
 */
export class Peer {
  private readonly socket: Socket;
  private readonly requests = new Map<string, OpenRequest>();
  private asked = 0;
  private readonly clock: NodeJS.Timeout;
  private connected = false;
  private pinged = false;
  private error?: Error;

  constructor(
    path: string,
    staleAfter: number,
    private readonly onEnd: () => void,
  ) {
    this.socket = connect(path).unref();
    this.socket.on('connect', () => (this.connected = true));
    this.socket.on('error', (error) => (this.error = error));
    this.socket.on('close', () => this.end());
    readLines(this.socket, (line) => this.hear(line));
    this.clock = setInterval(() => this.listen(), Math.ceil(staleAfter / SILENT_INTERVALS)).unref();
  }

  /** Asks the process to let go of a lock. The answer rejects when the process cannot be reached for another reason than its death. */
  want({ id, holder, token }: Want): Request {
    this.asked += 1;
    const number = String(this.asked);
    let reportSilence: () => void = () => undefined;
    const silent = new Promise<void>((resolve) => (reportSilence = resolve));
    const answer = new Promise<Answer>((settle, fail) => {
      this.requests.set(number, { silentIntervals: 0, settle, fail, reportSilence });
    });
    writeLine(this.socket, 'want', number, id, holder, token);
    return { answer, silent };
  }

  /** Tells the process that it has lost a lock; it hears it when it wakes up. */
  tellSeized(token: string): void {
    writeLine(this.socket, 'seized', token);
  }

  close(): void {
    this.socket.destroy();
  }

  private hear(line: string): void {
    this.pinged = false;
    for (const request of this.requests.values()) request.silentIntervals = 0;
    const [word, number = ''] = line.split(' ');
    if (word !== 'granted' && word !== 'gone') return;
    this.requests.get(number)?.settle(word);
    this.requests.delete(number);
    if (this.requests.size > 0) return;
    this.onEnd();
    this.socket.end();
  }

  /**
   * Counts intervals instead of reading a clock: when this process itself was paused, the answer may lie in its socket,
   * unread.
   */
  private listen(): void {
    for (const request of this.requests.values()) {
      request.silentIntervals += 1;
      if (request.silentIntervals >= SILENT_INTERVALS) request.reportSilence();
    }
    if (this.pinged) return;
    this.pinged = true;
    writeLine(this.socket, 'ping');
  }

  private end(): void {
    clearInterval(this.clock);
    this.onEnd();
    for (const request of this.requests.values()) {
      if (this.connected || isDying(this.error)) request.settle('closed');
      else if (isDeath(this.error)) request.settle('dead');
      else request.fail(this.error ?? new Error('The connection to the holder of a lock was closed.'));
    }
    this.requests.clear();
  }
}

/** True when the process that listened at `path` does not exist any more. */
export function isDead(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', (error) => {
      if (isDeath(error)) resolve(true);
      else if (isDying(error)) isDead(path).then(resolve, reject);
      else reject(error);
    });
  });
}

/** The process ended between the connection and its acceptance: to be seen at the next look. */
function isDying(error: unknown): boolean {
  return hasErrno(error, 'ECONNRESET');
}

/** A socket gets its name when somebody listens at it already: nobody there means that the process has ended. */
function isDeath(error: unknown): boolean {
  return hasErrno(error, 'ECONNREFUSED', 'ENOENT');
}
