import { merge, Observable, share, Subject, takeUntil } from 'rxjs';
import type { TusLogger, UploadEventName, UploadEvents } from '@nestjs-tus/core';
import { GuardedObservable } from './guarded-observable.js';
import { TusEventName } from './tus-event.js';
import type { TusEvent } from './tus-event.js';

/**
 * The life of an endpoint's uploads as streams. They cannot hold an upload up: what a subscriber throws is logged. The engine makes
 * events of a kind only while somebody is subscribed to it. They complete when the app shuts down.
 *
 * @example
 * constructor(events: TusEvents) {
 *   events.completed$.subscribe(({ upload }) => this.thumbnails.make(upload.id));
 * }
 */
export class TusEvents {
  /** An upload exists, and has no bytes yet. */
  readonly created$: Observable<TusEvent>;
  /** Bytes arrived; at most one event of an upload in `uploadProgressInterval`. */
  readonly progress$: Observable<TusEvent>;
  /** All bytes are stored, and the finish hooks have agreed. Once for each upload. */
  readonly completed$: Observable<TusEvent>;
  /** A client deleted an upload, or the app stopped it. */
  readonly terminated$: Observable<TusEvent>;
  /** An unfinished upload was removed because nobody went on with it. */
  readonly expired$: Observable<TusEvent>;
  readonly all$: Observable<TusEvent>;

  private readonly closed$ = new Subject<void>();

  constructor(
    private readonly endpoint: string,
    private readonly source: UploadEvents,
    private readonly logger: TusLogger,
  ) {
    this.created$ = this.stream('created');
    this.progress$ = this.stream('progress');
    this.completed$ = this.stream('completed');
    this.terminated$ = this.stream('terminated');
    this.expired$ = this.stream('expired');
    this.all$ = this.guarded(
      merge(this.created$, this.progress$, this.completed$, this.terminated$, this.expired$),
    );
  }

  /** Completes all streams. */
  close(): void {
    this.closed$.next();
    this.closed$.complete();
  }

  private stream(kind: UploadEventName): Observable<TusEvent> {
    const name = TusEventName[kind];
    const events = new Observable<TusEvent>((subscriber) =>
      this.source.on(kind, (event) => subscriber.next({ ...event, name, endpoint: this.endpoint })),
    );
    return this.guarded(events.pipe(takeUntil(this.closed$), share()));
  }

  private guarded(events: Observable<TusEvent>): Observable<TusEvent> {
    return new GuardedObservable(events, (error) =>
      this.logger.error(`${this.endpoint}: a subscriber of upload events threw`, error),
    );
  }
}
