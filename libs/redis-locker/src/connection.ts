import { NoAnswer, within } from '@nestjs-tus/lease-locker';
import { Clients, type ClientsListener } from './clients.js';
import { commandFailed, notDone, refusalOf } from './failures.js';
import type { ResolvedOptions } from './options.js';
import type { Script } from './scripts.js';

/** Time in which clients that are to replace others must be open, in `commandTimeout`s. */
const REPLACEMENT_TIME = 2;
/** Shortest time from one attempt to replace the clients to the next, in milliseconds. */
const BETWEEN_REPLACEMENTS_MS = 1_000;

/**
 * The way to Redis: runs scripts, hears messages. Connects at the first use, and again whenever it has to.
 *
 * node-redis connects again when a connection breaks. It does not when one falls silent, when the server behind it has become a
 * replica, or when the node of a cluster is gone for good. Then other clients are opened beside these, and take their place once
 * they work: while all of Redis hangs, they do not, and nothing changes.
 */
export class Connection {
  readonly isCluster: boolean;
  private clients: Clients;
  private readonly refusals = new Set<(cause: unknown) => void>();
  private readonly former = new Set<Clients>();
  private isOpened = false;
  private contactSince?: number;
  private replacing?: Clients;
  private replacedAt = -Infinity;
  private isClosed = false;

  /** @param listener its `onError` gets `NotDone` for what Redis refuses */
  constructor(
    private readonly options: ResolvedOptions,
    private readonly channel: string,
    private readonly listener: ClientsListener,
  ) {
    this.clients = this.makeClients();
    this.isCluster = this.clients.isCluster;
  }

  /** Milliseconds since Redis answered for the first time. */
  get acquaintance(): number {
    return this.contactSince === undefined ? 0 : performance.now() - this.contactSince;
  }

  /**
   * Resolves when commands can be sent and messages are heard. Limited in time itself, so that no script is sent after its caller
   * has given up.
   * @throws NotDone
   */
  async open(): Promise<void> {
    if (this.isClosed) throw notDone(new Error('The RedisLocker is closed.'));
    if (this.isOpened) return;
    // A client whose connection is refused goes on trying. Its callers need not wait for that.
    let refuse: (cause: unknown) => void = () => undefined;
    const refusal = new Promise<never>((_resolve, reject) => (refuse = reject));
    this.refusals.add(refuse);
    try {
      await within(this.options.commandTimeout, Promise.race([this.clients.open(), refusal]));
    } catch (error) {
      throw notDone(error);
    } finally {
      this.refusals.delete(refuse);
    }
    this.noteOpen();
  }

  /**
   * Runs a script on the master that has its keys.
   * @throws NotDone when it was not sent, or Redis refused it; after any other rejection it may have run, or may run later
   */
  async run(script: Script, keys: string[], parameters: (string | number)[]): Promise<unknown> {
    await this.open();
    try {
      return await this.evaluate(script, { keys, arguments: parameters.map(String) });
    } catch (error) {
      throw commandFailed(error);
    }
  }

  /** Sends this node a message. */
  async publish(message: string): Promise<void> {
    try {
      await this.clients.commands.publish(this.channel, message);
    } catch (error) {
      throw commandFailed(error);
    }
  }

  /** @param cause what Redis or a client said, or `NoAnswer` */
  callFailed(cause: unknown): void {
    if (this.mayGoOnElsewhere(cause)) this.replace();
  }

  /** Opens other clients, at most once a second, and goes on with them once they work. */
  replace(): void {
    const isDue = performance.now() - this.replacedAt >= BETWEEN_REPLACEMENTS_MS;
    if (!isDue || this.replacing || this.isClosed || !this.clients.isReplaceable) return;
    this.replacedAt = performance.now();
    this.replacing = this.makeClients();
    void this.goOnWith(this.replacing);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const all = [this.clients, ...this.former, ...(this.replacing ? [this.replacing] : [])];
    await Promise.all(all.map((clients) => clients.end()));
  }

  private makeClients(): Clients {
    const clients: Clients = new Clients(this.options, this.channel, {
      onMessage: (message) => this.listener.onMessage(message),
      onFresh: () => this.listener.onFresh(),
      onError: (error) => {
        if (clients === this.clients) this.onError(error);
      },
    });
    return clients;
  }

  private noteOpen(): void {
    this.isOpened = true;
    this.contactSince ??= performance.now();
  }

  private onError(error: unknown): void {
    this.listener.onError(commandFailed(error));
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

  private mayGoOnElsewhere(error: unknown): boolean {
    if (this.options.client) return false;
    const refusal = refusalOf(error);
    if (refusal !== undefined) return refusal === 'READONLY';
    // In a cluster the client of a node that is gone waits for it, though another one has taken its place.
    return error instanceof NoAnswer || this.isCluster;
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
      this.listener.onError(commandFailed(error));
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
