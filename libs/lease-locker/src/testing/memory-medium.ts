import {
  type Claim,
  type Durations,
  type Leased,
  type LeaseMedium,
  type LeaseMessage,
  type MediumListener,
  NotDone,
  type Renewal,
  type Taken,
  type Use,
} from '../lease-medium.js';

/**
 * What is wrong with a node's way to the medium:
 * - `refuses`: calls are not done;
 * - `breaks`: calls are done, and their answers are lost;
 * - `hangs`: calls are done when the fault is over, and answered then;
 * - `answers late`: calls are done at once, and answered when the fault is over.
 */
export type Fault = 'refuses' | 'breaks' | 'hangs' | 'answers late';

/** What is kept of one id. Times are those of `performance.now()`. */
interface Entry {
  holder?: { readonly node: MemoryMedium; readonly nonce: string; readonly taken: Taken; until: number };
  last?: { readonly token: string; holder?: string; wanted?: string; until: number };
  readonly waiting: Set<MemoryMedium>;
}

/**
 * Leases in memory, for tests: what a Redis is to several nodes. Its time is `performance.now()`, which a test runner can fake.
 *
 * @example
 * const leases = new MemoryLeases();
 * const [one, other] = [leases.node(), leases.node()];
 * one.fault = 'answers late';
 */
export class MemoryLeases {
  private readonly entries = new Map<string, Entry>();
  private tokens = 0;

  /** Another node that shares these leases. */
  node(): MemoryMedium {
    return new MemoryMedium(this);
  }

  take(node: MemoryMedium, { id, nonce }: Claim, wait: boolean, durations: Durations): Taken | Leased {
    const entry = this.entryOf(id);
    const { holder, last } = entry;
    const now = performance.now();
    if (holder) {
      if (holder.nonce === nonce && holder.node === node) return holder.taken;
      if (wait) {
        entry.waiting.add(node);
        if (last?.holder === holder.nonce) last.wanted = holder.nonce;
        holder.node.deliver({ kind: 'release', nonce: holder.nonce });
      }
      return { leasedFor: holder.until - now };
    }
    this.tokens += 1;
    const token = `${String(this.tokens).padStart(16, '0')}-${nonce}`;
    const taken = { token, previousToken: last?.token, seized: last?.holder !== undefined };
    entry.holder = { node, nonce, taken, until: now + durations.leaseDuration };
    entry.last = { token, holder: nonce, until: now + durations.rememberFor };
    return taken;
  }

  renew(node: MemoryMedium, { id, nonce }: Claim, durations: Durations): Renewal {
    const { holder, last } = this.entryOf(id);
    if (holder?.nonce !== nonce || holder.node !== node) return 'lost';
    holder.until = performance.now() + durations.leaseDuration;
    if (last) last.until = performance.now() + durations.rememberFor;
    return last?.wanted === nonce ? 'wanted' : 'renewed';
  }

  release(node: MemoryMedium, { id, nonce }: Claim, use: Use, { rememberFor }: Durations): void {
    const entry = this.entryOf(id);
    const { holder, last } = entry;
    if (holder?.nonce !== nonce || holder.node !== node) return;
    entry.holder = undefined;
    if (last) last.until = performance.now() + rememberFor;
    const isSettled = use === 'done' || (use === 'unused' && !holder.taken.seized);
    if (isSettled && last?.holder === nonce) last.holder = last.wanted = undefined;
    for (const waiter of entry.waiting) waiter.deliver({ kind: 'free', id });
    entry.waiting.clear();
  }

  /** Without what is over by now. */
  private entryOf(id: string): Entry {
    const entry = this.entries.get(id) ?? { waiting: new Set() };
    this.entries.set(id, entry);
    const now = performance.now();
    if (entry.holder && entry.holder.until <= now) entry.holder = undefined;
    if (entry.last && entry.last.until <= now) entry.last = undefined;
    return entry;
  }
}

/** One node of `MemoryLeases`, with a way to them that a test can disturb. */
export class MemoryMedium implements LeaseMedium {
  readonly name = 'Memory';
  renewsAtOnce = 200;
  hasParts = false;
  /** Drops the messages to this node. */
  losesMessages = false;
  /** What was called, in order: `take upload`, `renew a b`, `release upload done`, `send echo`. */
  readonly calls: string[] = [];
  /** What `callFailed` was called with. */
  readonly failures: unknown[] = [];
  /** How often `messageMissed` was called. */
  missedMessages = 0;
  private currentFault?: Fault;
  private readonly waiting = new Set<() => void>();
  private listener?: MediumListener;
  private isClosed = false;

  constructor(private readonly leases: MemoryLeases) {}

  get fault(): Fault | undefined {
    return this.currentFault;
  }

  /** What waits for the end of the fault before goes on. */
  set fault(fault: Fault | undefined) {
    this.currentFault = fault;
    for (const goOn of this.waiting) goOn();
    this.waiting.clear();
  }

  listen(listener: MediumListener): void {
    this.listener = listener;
  }

  open(): Promise<void> {
    return this.call('open', () => undefined);
  }

  take(claim: Claim, mode: 'wait' | 'try', durations: Durations): Promise<Taken | Leased> {
    return this.call(`take ${claim.id}`, () => this.leases.take(this, claim, mode === 'wait', durations));
  }

  renew(claims: readonly Claim[], durations: Durations): Promise<readonly Renewal[]> {
    const names = claims.map(({ id }) => id).join(' ');
    return this.call(`renew ${names}`, () =>
      claims.map((claim) => this.leases.renew(this, claim, durations)),
    );
  }

  release(claim: Claim, use: Use, durations: Durations): Promise<void> {
    return this.call(`release ${claim.id} ${use}`, () => this.leases.release(this, claim, use, durations));
  }

  send(message: LeaseMessage): Promise<void> {
    return this.call(`send ${message.kind}`, () => this.deliver(message));
  }

  callFailed(cause: unknown): void {
    this.failures.push(cause);
  }

  messageMissed(): void {
    this.missedMessages += 1;
  }

  /** As after a connection that was cut: messages may have been missed. */
  reconnect(): void {
    this.listener?.onFresh();
  }

  /** Brings this node a message, before the answers to calls that are made from now on. */
  deliver(message: LeaseMessage): void {
    if (this.losesMessages) return;
    void Promise.resolve().then(() => {
      if (!this.isClosed) this.listener?.onMessage(message);
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.fault = undefined;
  }

  private async call<T>(name: string, run: () => T): Promise<T> {
    this.calls.push(name);
    if (this.fault === 'hangs') await this.faultIsOver();
    if (this.isClosed) throw new NotDone(new Error('the medium is closed'));
    if (this.fault === 'refuses') throw new NotDone(new Error('the medium refuses'), 'REFUSED');
    const answer = run();
    if (this.fault === 'answers late') await this.faultIsOver();
    if (this.fault === 'breaks') throw new Error('the connection broke');
    return answer;
  }

  private faultIsOver(): Promise<void> {
    return new Promise((resolve) => this.waiting.add(resolve));
  }
}
