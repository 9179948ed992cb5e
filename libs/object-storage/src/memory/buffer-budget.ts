/** Below this many bytes a call to the service costs more than the memory that it frees. */
const WORTHWHILE = 64 * 1024;

/** An upload that holds bytes in memory and can store them elsewhere. */
export interface Spiller {
  /** Bytes that `spill` would store. */
  readonly buffered: number;
  /** When bytes came last, by `performance.now()`. */
  readonly lastArrival: number;
  /** Begins to store them; they leave the budget when that is done. */
  spill(): void;
}

/**
 * Bounds the bytes that all uploads keep in memory. Above the limit the slowest uploads store what they have as tail objects, and clients
 * are slowed down until there is room. One chunk of each upload may be above the limit.
 */
export class BufferBudget {
  private readonly spillers = new Set<Spiller>();
  private waiting: (() => void)[] = [];
  private used = 0;
  private leaving = 0;

  /** @param limit bytes */
  constructor(private readonly limit: number) {}

  /** Bytes in memory now. */
  get bytes(): number {
    return this.used;
  }

  join(spiller: Spiller): void {
    this.spillers.add(spiller);
  }

  part(spiller: Spiller): void {
    this.spillers.delete(spiller);
  }

  arrive(bytes: number): void {
    this.used += bytes;
  }

  /** These bytes are on their way to the service. */
  leave(bytes: number): void {
    this.leaving += bytes;
  }

  /** These bytes, which were leaving, are gone. */
  gone(bytes: number): void {
    this.used -= bytes;
    this.leaving -= bytes;
    this.wake();
  }

  /** These bytes, which were not leaving, are given up. */
  drop(bytes: number): void {
    this.used -= bytes;
    this.wake();
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    while (this.used > this.limit) {
      this.relieve();
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  /** Makes the slowest spill, until what stays is a part of the limit that leaves the fast ones something to work with. */
  private relieve(): void {
    while (this.used - this.leaving > this.limit / 2) {
      const next = this.slowest();
      if (!next) return;
      next.spill();
    }
  }

  private slowest(): Spiller | undefined {
    const holding = [...this.spillers].filter(({ buffered }) => buffered > 0);
    const worthwhile = holding.filter(({ buffered }) => buffered >= WORTHWHILE);
    const [first] = worthwhile.length > 0 ? worthwhile : holding;
    return (worthwhile.length > 0 ? worthwhile : holding).reduce(
      (slowest, spiller) => (slowest && slowest.lastArrival <= spiller.lastArrival ? slowest : spiller),
      first,
    );
  }

  private wake(): void {
    if (this.used > this.limit) return;
    const waiting = this.waiting;
    this.waiting = [];
    for (const resume of waiting) resume();
  }
}
