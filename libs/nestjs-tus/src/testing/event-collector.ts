import type { UploadEventName } from '@nestjs-tus/core';
import type { Subscription } from 'rxjs';
import { TusEventName, type TusEvent } from '../events/tus-event.js';
import type { TusEvents } from '../events/tus-events.js';

/**
 * Collects the events of an endpoint from now on.
 *
 * @example
 * const events = collectEvents(app.get(TusEvents));
 * await client.upload('hello');
 * const { upload } = await events.next('completed');
 */
export function collectEvents(events: TusEvents): EventCollector {
  return new EventCollector(events);
}

export class EventCollector {
  /** In the order in which they came. */
  readonly all: TusEvent[] = [];
  private readonly subscription: Subscription;
  private readonly waiting = new Set<() => void>();
  private readonly handedOut = new Set<TusEvent>();

  constructor(events: TusEvents) {
    this.subscription = events.all$.subscribe((event) => {
      this.all.push(event);
      for (const look of this.waiting) look();
    });
  }

  /** The kinds that came, without `progress`: how many of those there are depends on time. */
  get kinds(): UploadEventName[] {
    return this.all.map(kindOf).filter((kind) => kind !== 'progress');
  }

  of(kind: UploadEventName): TusEvent[] {
    return this.all.filter((event) => kindOf(event) === kind);
  }

  /** The oldest event of this kind that was not handed out yet, as soon as there is one. */
  next(kind: UploadEventName): Promise<TusEvent> {
    return new Promise((resolve) => {
      const look = () => {
        const event = this.of(kind).find((one) => !this.handedOut.has(one));
        if (!event) return;
        this.handedOut.add(event);
        this.waiting.delete(look);
        resolve(event);
      };
      this.waiting.add(look);
      look();
    });
  }

  stop(): void {
    this.subscription.unsubscribe();
  }
}

function kindOf({ name }: TusEvent): UploadEventName {
  const kinds = Object.keys(TusEventName) as UploadEventName[];
  return kinds.find((kind) => TusEventName[kind] === name) ?? 'progress';
}
