import { errors } from '@nestjs-tus/core';
import { ClientClosedError, ClientOfflineError, ErrorReply } from 'redis';
import { Clients, type ClientsListener } from './clients.js';
import { Hearing } from './hearing.js';
import type { ResolvedOptions } from './options.js';
import { Outage, refusalCodeOf } from './outage.js';
import type { Script } from './scripts.js';
import { NoAnswer, within } from './within.js';

/** The client had no connection, or Redis answered with an error. */
const DID_NOT_RUN = [ClientOfflineError, ClientClosedError, ErrorReply];
/** Time in which clients that are to replace others must be open, in `commandTimeout`s. */
const REPLACEMENT_TIME = 2;
/** Shortest time from one attempt to replace the clients to the next, in milliseconds. */
const BETWEEN_REPLACEMENTS_MS = 1_000;

/**
 * The way to Redis: runs scripts, hears messages. Connects at the first use, and again whenever it has to; meanwhile
 * everything rejects within `commandTimeout` with `ERR_STORAGE_UNAVAILABLE` (503).
 *
 * node-redis connects again when a connection breaks. It does not when one falls silent, when the server behind it has become a
 * replica, or when the node of a cluster is gone for good. Then other clients are opened beside these, and take their place once
 * they work: while all of Redis hangs, they do not, and nothing changes.
 */
export class Connection {
  readonly isCluster: boolean;
  private clients: Clients;
  private readonly hearing: Hearing;
  private readonly outage: Outage;
  private readonly refusals = new Set<(cause: unknown) => void>();
  private readonly former = new Set<Clients>();
  private isOpened = false;
  private contactSince?: number;
  private replacing?: Clients;
  private replacedAt = -Infinity;
  private isClosed = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly channel: string,
    private readonly listener: Pick<ClientsListener, 'onMessage' | 'onFresh'>,
  ) {
    this.clients = this.makeClients();
    this.isCluster = this.clients.isCluster;
    this.outage = new Outage(options.logger, this.isCluster);
    this.hearing = new Hearing(options, {
      speak: (message) => this.answer(this.clients.commands.publish(this.channel, message)),
      onDeaf: () => this.replace(),
    });
  }

  /** Milliseconds since Redis answered for the first time. */
  get acquaintance(): number {
    return this.contactSince === undefined ? 0 : performance.now() - this.contactSince;
  }

  /** Resolves when commands can be sent and messages are heard. @throws HttpError `ERR_STORAGE_UNAVAILABLE` (503) */
  async open(): Promise<void> {
    await this.answer(this.opened());
  }

  /**
   * Runs a script on the master that has its keys. Without an answer in time it may have run, or may run later.
   * @throws HttpError `ERR_STORAGE_UNAVAILABLE` (503)
   */
  run(script: Script, keys: string[], parameters: (string | number)[]): Promise<unknown> {
    return this.start(script, keys, parameters).inTime;
  }

  /** As `run`, for a caller that must know how a late script ends. */
  start(script: Script, keys: string[], parameters: (string | number)[]): Running {
    let mayHaveRun = false;
    const send = async () => {
      await this.opened();
      mayHaveRun = true;
      try {
        return await this.evaluate(script, { keys, arguments: parameters.map(String) });
      } catch (error) {
        mayHaveRun = !DID_NOT_RUN.some((type) => error instanceof type);
        throw error;
      }
    };
    const settled = send();
    return { inTime: this.answer(settled), settled, mayHaveRun: () => mayHaveRun };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.hearing.stop();
    const all = [this.clients, ...this.former, ...(this.replacing ? [this.replacing] : [])];
    await Promise.all(all.map((clients) => clients.end()));
  }

  private makeClients(): Clients {
    const clients: Clients = new Clients(this.options, this.channel, {
      onMessage: (message) => {
        if (!this.hearing.hears(message)) this.listener.onMessage(message);
      },
      onFresh: () => this.listener.onFresh(),
      onError: (error) => {
        if (clients === this.clients) this.onError(error);
      },
    });
    return clients;
  }

  /** Bounded in time itself, so that nothing is sent after its caller has given up. */
  private async opened(): Promise<void> {
    if (this.isClosed) throw new Error('The RedisLocker is closed.');
    if (this.isOpened) return;
    // A client whose connection is refused goes on trying. Its callers need not wait for that.
    let refuse: (cause: unknown) => void = () => undefined;
    const refusal = new Promise<never>((_resolve, reject) => (refuse = reject));
    this.refusals.add(refuse);
    try {
      await within(this.options.commandTimeout, Promise.race([this.clients.open(), refusal]));
    } finally {
      this.refusals.delete(refuse);
    }
    this.noteOpen();
  }

  private noteOpen(): void {
    this.isOpened = true;
    this.contactSince ??= performance.now();
    if (!this.isClosed) this.hearing.start();
  }

  private onError(error: unknown): void {
    if (!this.isClosed) this.outage.begin(error);
    // Of several servers, one may be gone without harm.
    if (this.clients.isSingle) for (const refuse of this.refusals) refuse(error);
  }

  private async evaluate(
    script: Script,
    parameters: { keys: string[]; arguments: string[] },
  ): Promise<unknown> {
    const { commands } = this.clients;
    try {
      return await commands.evalSha(script.sha, parameters);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return commands.eval(script.text, parameters);
    }
  }

  private async answer<T>(promise: Promise<T>): Promise<T> {
    try {
      const value = await within(this.options.commandTimeout, promise);
      this.outage.end();
      return value;
    } catch (error) {
      if (!this.isClosed) {
        this.outage.begin(error);
        if (this.mayGoOnElsewhere(error)) this.replace();
      }
      throw errors.storageUnavailable(error);
    }
  }

  private mayGoOnElsewhere(error: unknown): boolean {
    if (this.options.client) return false;
    if (error instanceof ErrorReply) return refusalCodeOf(error) === 'READONLY';
    // In a cluster the client of a node that is gone waits for it, though another one has taken its place.
    return error instanceof NoAnswer || this.isCluster;
  }

  private replace(): void {
    const isDue = performance.now() - this.replacedAt >= BETWEEN_REPLACEMENTS_MS;
    if (!isDue || this.replacing || this.isClosed || !this.clients.isReplaceable) return;
    this.replacedAt = performance.now();
    this.replacing = this.makeClients();
    void this.goOnWith(this.replacing);
  }

  private async goOnWith(next: Clients): Promise<void> {
    try {
      await within(REPLACEMENT_TIME * this.options.commandTimeout, next.open());
      if (this.isClosed) return;
      this.leave(this.clients);
      this.clients = next;
      this.noteOpen();
      this.listener.onFresh();
    } catch (error) {
      if (this.isClosed) return;
      this.outage.begin(error);
      this.leave(next);
    } finally {
      this.replacing = undefined;
      this.replacedAt = performance.now();
    }
  }

  /** What these were sent is answered, or given up, after `commandTimeout`. */
  private leave(clients: Clients): void {
    clients.retire();
    this.former.add(clients);
    const end = () => void clients.end().finally(() => this.former.delete(clients));
    setTimeout(end, this.options.commandTimeout).unref();
  }
}

/** A script on its way. */
export interface Running {
  /** Its answer; rejects with `ERR_STORAGE_UNAVAILABLE` (503), at the latest after `commandTimeout`. */
  readonly inTime: Promise<unknown>;
  /** Settles with the script itself, whenever that is. */
  readonly settled: Promise<unknown>;
  /** False when it certainly did not run: it was not sent, or Redis refused it. */
  mayHaveRun(): boolean;
}
