import { randomBytes } from 'node:crypto';
import { errors } from '@nestjs-tus/core';
import type { Connection } from './connection.js';
import { keysOf, type Leases } from './leases.js';
import type { ResolvedOptions } from './options.js';
import { TAKE } from './scripts.js';
import { unlessAborted } from './within.js';

/** What Redis says to somebody who wants a lock. */
export type Answer = Granted | { readonly leasedFor: number };

/** The lock is held now, since `since` by this process' monotonic clock. */
export interface Granted {
  readonly nonce: string;
  readonly since: number;
  readonly token: string;
  readonly previousToken?: string;
  readonly seized: boolean;
}

/** Takes locks in Redis for one node, and keeps who is to be asked when another node wants one. */
export class Claims {
  private readonly releaseRequests = new Map<string, () => void>();
  private highestNumber = 0;
  private isClosed = false;

  constructor(
    private readonly connection: Connection,
    private readonly leases: Leases,
    private readonly options: ResolvedOptions,
    private readonly node: string,
    private readonly channels: string,
  ) {}

  /**
   * Takes the lock if it is free. With `wait`, a holder is asked to let go, and this node gets a message when it has.
   *
   * @param requestRelease is called when another node asks for the lock, until `forget`
   * @throws HttpError `ERR_STORAGE_UNAVAILABLE` (503); `ERR_UPLOAD_LOCKED` (423) when `signal` aborts
   */
  async take(
    id: string,
    mode: 'wait' | 'try',
    requestRelease: () => void,
    signal?: AbortSignal,
  ): Promise<Answer> {
    if (this.isClosed) throw errors.storageUnavailable(new Error('The RedisLocker is closed.'));
    const nonce = randomBytes(8).toString('hex');
    // Before the answer is here: the request of another node may come first, as it has another connection.
    this.releaseRequests.set(nonce, requestRelease);
    const { prefix, leaseDuration, rememberFor } = this.options;
    const since = performance.now();
    const running = this.connection.start(TAKE, keysOf(prefix, id), [
      this.node,
      nonce,
      leaseDuration,
      rememberFor,
      this.highestNumber,
      Math.floor(this.connection.acquaintance),
      mode,
      this.channels,
    ]);
    try {
      const reply = await (signal ? unlessAborted(signal, running.inTime) : running.inTime);
      const answer = this.read(reply, nonce, since);
      if (!('token' in answer)) this.forget(nonce);
      return answer;
    } catch (error) {
      this.forget(nonce);
      // It may have been taken, or will be when Redis goes on: then nobody would let go.
      const letGo = () => (running.mayHaveRun() ? this.leases.release({ id, nonce }, 'unused') : undefined);
      void running.settled.then(letGo, letGo);
      throw error;
    }
  }

  /** Nobody is to be asked any more. */
  forget(nonce: string): void {
    this.releaseRequests.delete(nonce);
  }

  /** From now on nothing is taken. */
  close(): void {
    this.isClosed = true;
  }

  askToRelease(nonce: string): void {
    this.releaseRequests.get(nonce)?.();
  }

  private read(reply: unknown, nonce: string, since: number): Answer {
    const [granted, ...rest] = reply as unknown[];
    if (Number(granted) !== 1) return { leasedFor: Number(rest[0]) };
    const [token = '', previousToken = '', seized = ''] = rest.map(String);
    this.highestNumber = Math.max(this.highestNumber, Number.parseInt(token, 10));
    return { nonce, since, token, previousToken: previousToken || undefined, seized: seized === '1' };
  }
}
