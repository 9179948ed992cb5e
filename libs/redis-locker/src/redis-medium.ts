import { randomBytes } from 'node:crypto';
import type {
  Claim,
  Durations,
  Leased,
  LeaseMedium,
  LeaseMessage,
  MediumListener,
  Renewal,
  Taken,
  Use,
} from '@nestjs-tus/lease-locker';
import { Connection } from './connection.js';
import { adviceOn } from './failures.js';
import { readMessage, writeMessage } from './messages.js';
import type { ResolvedOptions } from './options.js';
import { IS_CLUSTER, RELEASE, RENEW, TAKE } from './scripts.js';

/** Leases that one script renews, so that other clients of Redis get their turn in between. */
const BATCH = 200;

const RENEWALS: readonly Renewal[] = ['lost', 'renewed', 'wanted'];

/** Leases in Redis: each call is one script. */
export class RedisMedium implements LeaseMedium {
  readonly name = 'Redis';
  private readonly connection: Connection;
  /** Names this node in Redis, and the channel where it hears messages. */
  private readonly node = randomBytes(8).toString('hex');
  private readonly channels: string;
  private readonly prefix: string;
  private listener?: MediumListener;
  /** The highest token's number that this node has seen. */
  private highestNumber = 0;

  constructor(options: ResolvedOptions) {
    this.prefix = options.prefix;
    this.channels = `${options.prefix}:node:`;
    this.connection = new Connection(options, this.channels + this.node, {
      onMessage: (text) => this.receive(text),
      onFresh: () => this.listener?.onFresh(),
      onError: (error) => this.listener?.onError(error),
    });
  }

  /** In a cluster each lock has a slot of its own, and a script stays within one. */
  get renewsAtOnce(): number {
    return this.connection.isCluster ? 1 : BATCH;
  }

  get hasParts(): boolean {
    return this.connection.isCluster;
  }

  listen(listener: MediumListener): void {
    this.listener = listener;
  }

  async open(): Promise<void> {
    await this.connection.open();
  }

  async take(
    { id, nonce }: Claim,
    mode: 'wait' | 'try',
    { leaseDuration, rememberFor }: Durations,
  ): Promise<Taken | Leased> {
    const reply = await this.connection.run(TAKE, this.keysOf(id), [
      this.node,
      nonce,
      leaseDuration,
      rememberFor,
      this.highestNumber,
      Math.floor(this.connection.acquaintance),
      mode,
      this.channels,
    ]);
    return this.readTaken(reply);
  }

  async renew(claims: readonly Claim[], durations: Durations): Promise<readonly Renewal[]> {
    const reply = await this.connection.run(
      RENEW,
      claims.flatMap(({ id }) => this.keysOf(id).slice(0, 2)),
      [durations.leaseDuration, durations.rememberFor, ...claims.map(({ nonce }) => `${this.node} ${nonce}`)],
    );
    return (reply as unknown[]).map((answer) => RENEWALS[Number(answer)] ?? 'lost');
  }

  async release({ id, nonce }: Claim, use: Use, { rememberFor }: Durations): Promise<void> {
    const parameters = [this.node, nonce, rememberFor, this.channels, id, use];
    await this.connection.run(RELEASE, this.keysOf(id), parameters);
  }

  async send(message: LeaseMessage): Promise<void> {
    await this.connection.publish(writeMessage(message));
  }

  callFailed(cause: unknown): void {
    this.connection.callFailed(cause);
  }

  messageMissed(): void {
    this.connection.replace();
  }

  async checkSetup(): Promise<string | undefined> {
    if (this.connection.isCluster || Number(await this.connection.run(IS_CLUSTER, [], [])) !== 1)
      return undefined;
    return 'this Redis is a node of a cluster: use the option "cluster".';
  }

  adviceOn(cause: unknown): string | undefined {
    return adviceOn(cause);
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  private receive(text: string): void {
    const message = readMessage(text);
    if (message) this.listener?.onMessage(message);
  }

  private readTaken(reply: unknown): Taken | Leased {
    const [granted, ...rest] = reply as unknown[];
    if (Number(granted) !== 1) return { leasedFor: Number(rest[0]) };
    const [token = '', previousToken = '', seized = ''] = rest.map(String);
    this.highestNumber = Math.max(this.highestNumber, Number.parseInt(token, 10));
    return { token, previousToken: previousToken || undefined, seized: seized === '1' };
  }

  /** The names of Redis' keys for one id; the braces put them into one slot of a cluster. */
  private keysOf(id: string): [lock: string, last: string, waiting: string] {
    const tag = `{${encodeURIComponent(id)}}`;
    return [`${this.prefix}:lock:${tag}`, `${this.prefix}:last:${tag}`, `${this.prefix}:waiting:${tag}`];
  }
}
