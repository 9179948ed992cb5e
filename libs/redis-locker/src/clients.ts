import { within } from '@nestjs-tus/lease-locker';
import type { RedisConnection, ResolvedOptions } from './options.js';
import { makeClient, type OwnClient } from './own-client.js';

/** Events after which messages may have been missed: a connection is new, or another server is the master. */
const FRESH_EVENTS = ['ready', 'node-ready', 'topology-change'];

/** What clients report until they are retired. */
export interface ClientsListener {
  onMessage(message: string): void;
  onFresh(): void;
  onError(error: unknown): void;
}

/** A client for commands and one for messages, opened and ended together. With Sentinel and Cluster one does both. */
export class Clients {
  readonly commands: RedisConnection;
  readonly isCluster: boolean;
  /** True for one server: when it is gone, nothing goes on. */
  readonly isSingle: boolean;
  private readonly own?: OwnClient;
  private readonly subscriber: RedisConnection;
  private opening?: Promise<void>;
  private isRetired = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly channel: string,
    private readonly listener: ClientsListener,
  ) {
    this.commands = options.client ?? (this.own = makeClient(options)).client;
    this.isCluster = 'masters' in this.commands;
    this.isSingle = !this.isCluster && !('getSentinelNode' in this.commands);
    // Sentinel and Cluster keep a connection of its own for messages; a single client has to be doubled.
    this.subscriber = this.isSingle ? this.commands.duplicate() : this.commands;
    for (const client of this.all) {
      client.on('error', this.onError);
      for (const event of FRESH_EVENTS) client.on(event, this.onFresh);
    }
  }

  /** False for a client of the app, which is used for messages as well: there is nothing that could be made anew. */
  get isReplaceable(): boolean {
    return this.own !== undefined || this.isSingle;
  }

  /** Resolves when commands can be sent and messages are heard. A client goes on trying while its server refuses it. */
  open(): Promise<void> {
    if (!this.opening) {
      const opening = this.connect();
      this.opening = opening;
      opening.catch(() => (this.opening = undefined));
    }
    return this.opening;
  }

  /** What happens from now on is of no interest. What was sent may still be answered. */
  retire(): void {
    this.isRetired = true;
    for (const client of this.all) {
      for (const event of FRESH_EVENTS) client.off(event, this.onFresh);
    }
  }

  /** Ends what was made here; a client of the app stays open. */
  async end(): Promise<void> {
    this.retire();
    const { client } = this.options;
    if (client) await this.leave(client);
    if (this.isSingle && this.subscriber.isOpen) await this.subscriber.destroy();
    // The listener for errors stays on our own: a connection that is being torn down may still complain.
    await this.own?.end();
  }

  private get all(): Set<RedisConnection> {
    return new Set([this.commands, this.subscriber]);
  }

  private async leave(client: RedisConnection): Promise<void> {
    client.off('error', this.onError);
    if (client !== this.subscriber || !client.isOpen) return;
    const unsubscribed = Promise.resolve(client.unsubscribe(this.channel));
    // While Redis is gone there is no answer; and messages are ignored from now on.
    await within(this.options.commandTimeout, unsubscribed).catch(() => undefined);
  }

  private async connect(): Promise<void> {
    for (const client of this.all) {
      if (!client.isOpen) await client.connect();
    }
    // It would open a connection on a client that has ended.
    if (this.isRetired) throw new Error('The client was ended.');
    await this.subscriber.subscribe(this.channel, this.onMessage);
  }

  private readonly onMessage = (message: string): void => {
    if (!this.isRetired) this.listener.onMessage(String(message));
  };
  private readonly onFresh = (): void => this.listener.onFresh();
  private readonly onError = (error: unknown): void => {
    if (!this.isRetired) this.listener.onError(error);
  };
}
