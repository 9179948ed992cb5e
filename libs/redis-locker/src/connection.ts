import { errors } from '@nestjs-tus/core';
import {
  ClientClosedError,
  ClientOfflineError,
  createClient,
  createCluster,
  createSentinel,
  ErrorReply,
} from 'redis';
import type { RedisConnection, ResolvedOptions } from './options.js';
import { Outage } from './outage.js';
import type { Script } from './scripts.js';
import { within } from './within.js';

/** Events after which messages may have been missed: a connection is new, or another server is the master. */
const FRESH_EVENTS = ['ready', 'node-ready', 'topology-change'];
/** The client had no connection, or Redis answered with an error. */
const DID_NOT_RUN = [ClientOfflineError, ClientClosedError, ErrorReply];
/** Longest pause between two attempts to reach a server that is gone, in milliseconds. */
const MAX_RECONNECT_MS = 500;

/**
 * The way to Redis: runs scripts, hears messages. Connects at the first use, and again whenever it has to; meanwhile
 * everything rejects within `commandTimeout` with `ERR_STORAGE_UNAVAILABLE` (503).
 */
export class Connection {
  readonly isCluster: boolean;
  private readonly hearsBeside: boolean;
  private readonly commands: RedisConnection;
  private readonly subscriber: RedisConnection;
  private readonly outage: Outage;
  private readonly refusals = new Set<(cause: unknown) => void>();
  private opening?: Promise<void>;
  private contactSince?: number;
  private isClosed = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly channel: string,
    private readonly listener: { onMessage(message: string): void; onFresh(): void },
  ) {
    this.outage = new Outage(options.logger);
    this.commands = options.client ?? makeClient(options);
    this.isCluster = 'masters' in this.commands;
    // Sentinel and Cluster keep a connection of its own for messages; a single client has to be doubled.
    this.hearsBeside = this.isCluster || 'getSentinelNode' in this.commands;
    this.subscriber = this.hearsBeside ? this.commands : this.commands.duplicate();
    for (const client of new Set([this.commands, this.subscriber])) {
      client.on('error', this.onError);
      for (const event of FRESH_EVENTS) client.on(event, this.onFresh);
    }
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
    for (const client of new Set([this.commands, this.subscriber])) {
      for (const event of FRESH_EVENTS) client.off(event, this.onFresh);
      if (client !== this.options.client) {
        // The listener for errors stays: a connection that is being torn down may still complain.
        if (client.isOpen) await client.destroy();
        continue;
      }
      client.off('error', this.onError);
      if (client === this.subscriber && client.isOpen) await client.unsubscribe(this.channel);
    }
  }

  /** Bounded in time itself, so that nothing is sent after its caller has given up. */
  private async opened(): Promise<void> {
    if (this.isClosed) throw new Error('The RedisLocker is closed.');
    if (this.contactSince !== undefined) return;
    this.opening ??= this.connect().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    // A client whose connection is refused goes on trying. Its callers need not wait for that.
    let refuse: (cause: unknown) => void = () => undefined;
    const refusal = new Promise<never>((_resolve, reject) => (refuse = reject));
    this.refusals.add(refuse);
    try {
      await within(this.options.commandTimeout, Promise.race([this.opening, refusal]));
    } finally {
      this.refusals.delete(refuse);
    }
    this.contactSince ??= performance.now();
  }

  private async connect(): Promise<void> {
    for (const client of new Set([this.commands, this.subscriber])) {
      if (!client.isOpen) await client.connect();
    }
    await this.subscriber.subscribe(this.channel, this.onMessage);
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
      return value;
    } catch (error) {
      if (!this.isClosed) this.outage.begin(error);
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

function makeClient(options: ResolvedOptions): RedisConnection {
  if (options.sentinel) return createSentinel(options.sentinel);
  if (options.cluster) return createCluster(options.cluster);
  return createClient({
    url: options.url ?? 'redis://127.0.0.1:6379',
    // What waits for a server that is gone would be done when nobody wants it any more.
    disableOfflineQueue: true,
    pingInterval: options.leaseDuration,
    socket: { reconnectStrategy: (attempt) => Math.min(50 * 2 ** attempt, MAX_RECONNECT_MS) },
  });
}
