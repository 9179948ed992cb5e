interface Entry<T> {
  readonly value: T;
  readonly weight: number;
}

/**
 * Remembers the entries that were set last: as many as weigh `least` together, and up to twice as many. An entry weighs 1 unless it is said.
 *
 * It keeps two generations and drops the older one as a whole. To delete the oldest entry of a full Map for each new one looks simpler,
 * but leaves a hole for each, and whoever asks for the oldest then steps over hundreds of them.
 */
export class RecentMap<T> {
  private young = new Map<string, Entry<T>>();
  private old = new Map<string, Entry<T>>();
  /** Of the young ones. */
  private weight = 0;

  constructor(private readonly least: number) {}

  /** How many entries are held. */
  get size(): number {
    return this.young.size + this.old.size;
  }

  get(key: string): T | undefined {
    return (this.young.get(key) ?? this.old.get(key))?.value;
  }

  set(key: string, value: T, weight = 1): void {
    this.delete(key);
    this.young.set(key, { value, weight });
    this.weight += weight;
    if (this.weight < this.least) return;
    this.old = this.young;
    this.young = new Map();
    this.weight = 0;
  }

  delete(key: string): void {
    this.weight -= this.young.get(key)?.weight ?? 0;
    if (!this.young.delete(key)) this.old.delete(key);
  }
}
