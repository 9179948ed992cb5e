import { types } from 'node:util';
import { Observable, Subscription } from 'rxjs';
import type { Observer, Operator } from 'rxjs';

type Report = (error: unknown) => void;

/**
 * An observable whose subscribers may throw: what they throw is reported, not thrown again outside, where RxJS would end the
 * process with it. The same holds behind operators, and for an async subscriber's rejection.
 */
export class GuardedObservable<T> extends Observable<T> {
  constructor(
    source: Observable<T>,
    private readonly report: Report,
  ) {
    super();
    this.source = source;
  }

  // What operators make of this one has to be guarded too: the subscriber stands at their end.
  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    const lifted = new GuardedObservable<R>(this as unknown as Observable<R>, this.report);
    lifted.operator = operator;
    return lifted;
  }

  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    // Operators subscribe with subscribers of their own, which pass errors on.
    if (observerOrNext instanceof Subscription)
      return super.subscribe(observerOrNext as Partial<Observer<T>>);
    const observer =
      typeof observerOrNext === 'function' || !observerOrNext
        ? { next: observerOrNext ?? undefined, error: error ?? undefined, complete: complete ?? undefined }
        : observerOrNext;
    return super.subscribe({
      next: (value) => this.guard(() => observer.next?.(value)),
      error: (reason: unknown) =>
        this.guard(() => (observer.error ? observer.error(reason) : this.report(reason))),
      complete: () => this.guard(() => observer.complete?.()),
    });
  }

  private guard(call: () => unknown): void {
    try {
      const result = call();
      if (types.isPromise(result)) result.catch(this.report);
    } catch (error) {
      this.report(error);
    }
  }
}
