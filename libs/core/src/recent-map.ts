/**
 * Remembers the `least` entries that were set last, and up to twice as many.
 *
 * It keeps two generations and drops the older one as a whole. To delete the oldest entry of a full Map for each new one looks simpler,
 * but leaves a hole for each, and whoever asks for the oldest then steps over hundreds of them.
 */
export class RecentMap<T> {
  private young = new Map<string, T>();
  private old = new Map<string, T>();

  constructor(private readonly least: number) {}

  /** How many entries are held. */
  get size(): number {
    return this.young.size + this.old.size;
  }

  get(key: string): T | undefined {
    return this.young.get(key) ?? this.old.get(key);
  }

  set(key: string, value: T): void {
    this.old.delete(key);
    this.young.set(key, value);
    if (this.young.size < this.least) return;
    this.old = this.young;
    this.young = new Map();
  }

  delete(key: string): void {
    if (!this.young.delete(key)) this.old.delete(key);
  }
}
