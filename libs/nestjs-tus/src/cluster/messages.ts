import type { HookEvent, MetricsSnapshot, UploadEventName } from '@nestjs-tus/core';

/** Kinds of events by the names of endpoints. */
export type Kinds = Readonly<Record<string, readonly UploadEventName[]>>;
/** Numbers by the names of endpoints. */
export type Numbers = Readonly<Record<string, MetricsSnapshot>>;

/** What workers and the primary process say to each other. They share the channel with others, so each message says that it is ours. */
export type Message =
  /** A worker has listeners of these kinds, and no others. */
  | { readonly tus: 'listening'; readonly kinds: Kinds }
  /** Other workers than this one have listeners of these kinds. */
  | { readonly tus: 'wanted'; readonly kinds: Kinds }
  | {
      readonly tus: 'event';
      readonly endpoint: string;
      readonly kind: UploadEventName;
      readonly event: HookEvent;
    }
  /** A worker asks for the numbers of all workers, or is asked for its own. */
  | { readonly tus: 'count'; readonly id: number }
  /** A worker's own numbers, or those of all. */
  | { readonly tus: 'counted'; readonly id: number; readonly numbers: Numbers };

export function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'tus' in value;
}
