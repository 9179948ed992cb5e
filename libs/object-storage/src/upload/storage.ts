import type { Permits } from '@nestjs-tus/core';
import type { Assembly } from '../assembly.js';
import type { BufferBudget } from '../memory/buffer-budget.js';
import type { Objects } from '../objects.js';
import type { ObjectKeys } from '../record/object-keys.js';
import type { RecordStore } from '../record/record-store.js';
import type { PartSizing } from './part-size.js';

/** What the uploads of a store share. */
export interface Storage {
  readonly objects: Objects;
  readonly assembly: Assembly;
  readonly records: RecordStore;
  readonly keys: ObjectKeys;
  readonly sizing: PartSizing;
  /** Parts of one upload that go to the service at the same time. */
  readonly concurrencyPerUpload: number;
  /** For the calls that carry bytes. */
  readonly permits: Permits;
  readonly budget: BufferBudget;
}
