import { errors } from '@nestjs-tus/core';
import { ClientClosedError, ClientOfflineError, ErrorReply } from 'redis';
import type { RedisConnection, ResolvedOptions } from './options.js';
import { Outage } from './outage.js';
import { makeClient, type OwnClient } from './own-client.js';
import type { Script } from './scripts.js';
import { within } from './within.js';

/** Events after which messages may have been missed: a connection is new, or another server is the master. */
const FRESH_EVENTS = ['ready', 'node-ready', 'topology-change'];
/** The client had no connection, or Redis answered with an error. */
const DID_NOT_RUN = [ClientOfflineError, ClientClosedError, ErrorReply];
/**
 * Time in which a client of Sentinel or Cluster answers nothing, though it is asked, after which it is replaced, in
 * milliseconds. A failover takes less. When the master goes away while node-redis's Sentinel client connects to it for
 * messages, `subscribe` waits for that address for ever, whoever is the master then; and all of it waits when the master
 * takes the connection and says nothing.
 */
const STUCK_MS = 10_000;

/**
 * The way to Redis: runs scripts, hears messages. Connects at the first use, and again whenever it has to; meanwhile
 * everything rejects within `commandTimeout` with `ERR_STORAGE_UNAVAILABLE` (503).
 */
export class Connection {
  readonly isCluster: boolean;
  private readonly hearsBeside: boolean;
  private own?: OwnClient;
  private commands: RedisConnection;
  private subscriber: RedisConnection;
  private readonly outage: Outage;
  private readonly refusals = new Set<(cause: unknown) => void>();
  private opening?: Promise<void>;
  private isOpened = false;
  private contactSince?: number;
  private silentSince?: number;
  /** Resolves when all clients that were replaced have ended. */
  private replaced: Promise<unknown> = Promise.resolve();
  private isClosed = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly channel: string,
    private readonly listener: { onMessage(message: string): void; onFresh(): void },
  ) {
    this.outage = new Outage(options.logger);
    if (options.client) {
      this.commands = options.client;
    } else {
      this.own = makeClient(options);
      this.commands = this.own.client;
    }
    this.isCluster = 'masters' in this.commands;
    // Sentinel and Cluster keep a connection of its own for messages; a single client has to be doubled.
    this.hearsBeside = this.isCluster || 'getSentinelNode' in this.commands;
    this.subscriber = this.hearsBeside ? this.commands : this.commands.duplicate();
    this.attend();
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
    this.disregard();
    const { client } = this.options;
    client?.off('error', this.onError);
    if (client && client === this.subscriber) {
      if (client.isOpen) await client.unsubscribe(this.channel);
    } else if (this.subscriber !== this.commands && this.subscriber.isOpen) {
      await this.subscriber.destroy();
    }
    await Promise.all([this.own?.end(), this.replaced]);
  }

  /** Bounded in time itself, so that nothing is sent after its caller has given up. */
  private async opened(): Promise<void> {
    if (this.isClosed) throw new Error('The RedisLocker is closed.');
    if (this.isOpened) return;
    this.opening ??= this.connect();
    const { opening } = this;
    opening.catch(() => {
      // Unless the client was replaced meanwhile.
      if (this.opening === opening) this.opening = undefined;
    });
    // A client whose connection is refused goes on trying. Its callers need not wait for that.
    let refuse: (cause: unknown) => void = () => undefined;
    const refusal = new Promise<never>((_resolve, reject) => (refuse = reject));
    this.refusals.add(refuse);
    try {
      await within(this.options.commandTimeout, Promise.race([opening, refusal]));
    } finally {
      this.refusals.delete(refuse);
    }
    this.isOpened ||= this.opening === opening;
    this.contactSince ??= performance.now();
  }

  private async connect(): Promise<void> {
    const { subscriber } = this;
    for (const client of new Set([this.commands, subscriber])) {
      if (!client.isOpen) await client.connect();
    }
    // It would open a connection on a client that has ended.
    if (this.isClosed || subscriber !== this.subscriber) throw new Error('The client was ended.');
    await subscriber.subscribe(this.channel, this.onMessage);
  }

  private attend(): void {
    for (const client of new Set([this.commands, this.subscriber])) {
      client.on('error', this.onError);
      for (const event of FRESH_EVENTS) client.on(event, this.onFresh);
    }
  }

  /** The listener for errors stays: a connection that is being torn down may still complain. */
  private disregard(): void {
    for (const client of new Set([this.commands, this.subscriber])) {
      for (const event of FRESH_EVENTS) client.off(event, this.onFresh);
    }
  }

  private replaceIfStuck(): void {
    this.silentSince ??= performance.now();
    if (!this.own || !this.hearsBeside || performance.now() - this.silentSince < STUCK_MS) return;
    this.disregard();
    this.replaced = Promise.all([this.replaced, this.own.end().catch(this.onError)]);
    this.own = makeClient(this.options);
    this.commands = this.subscriber = this.own.client;
    this.attend();
    this.opening = this.silentSince = undefined;
    this.isOpened = false;
    // Now, since those who wait ask again when it is fresh. When it fails, `answer` tells so; the next who asks tries again.
    void this.open().catch(() => undefined);
  }

  private async evaluate(
    script: Script,
    parameters: { keys: string[]; arguments: string[] },
  ): Promise<unknown> {
    try {
      return await this.commands.evalSha(script.sha, parameters);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.commands.eval(script.text, parameters);
    }
  }

  private async answer<T>(promise: Promise<T>): Promise<T> {
    try {
      const value = await within(this.options.commandTimeout, promise);
      this.outage.end();
      this.silentSince = undefined;
      return value;
    } catch (error) {
      if (!this.isClosed) {
        this.outage.begin(error);
        if (error instanceof ErrorReply) this.silentSince = undefined;
        else this.replaceIfStuck();
      }
      throw errors.storageUnavailable(error);
    }
  }

  private readonly onMessage = (message: string): void => this.listener.onMessage(String(message));
  private readonly onFresh = (): void => this.listener.onFresh();
  private readonly onError = (error: unknown): void => {
    if (!this.isClosed) this.outage.begin(error);
    // Of several servers, one may be gone without harm.
    if (!this.hearsBeside) for (const refuse of this.refusals) refuse(error);
  };
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
