import type { FileInfo } from '@nestjs-tus/core';

/** Characters of metadata and of a list of parts that weigh as much as an upload without any. */
const HEADERS_OF_ONE = 512;

/** A map that forgets what was set first when its entries weigh more than it may hold. */
export class WeightedMap<Value> {
  private readonly entries = new Map<string, { readonly value: Value; readonly weight: number }>();
  private weight = 0;

  constructor(private readonly limit: number) {}

  get(key: string): Value | undefined {
    return this.entries.get(key)?.value;
  }

  set(key: string, value: Value, weight: number): void {
    this.delete(key);
    this.entries.set(key, { value, weight });
    this.weight += weight;
    for (const oldest of this.entries.keys()) {
      if (this.weight <= this.limit) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.weight -= this.entries.get(key)?.weight ?? 0;
    this.entries.delete(key);
  }
}

/** What an info weighs: clients decide how long their headers are. */
export function weightOf({ metaData, metaDataHeader = '', concatHeader = '' }: FileInfo): number {
  const values = Object.entries(metaData).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  return 1 + (values + metaDataHeader.length + concatHeader.length) / HEADERS_OF_ONE;
}
