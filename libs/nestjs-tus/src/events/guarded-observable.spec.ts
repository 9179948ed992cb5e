import { filter, firstValueFrom, map, Subject, take, toArray } from 'rxjs';
import { GuardedObservable } from './guarded-observable.js';

function guarded() {
  const subject = new Subject<number>();
  const reported: unknown[] = [];
  return { subject, reported, numbers$: new GuardedObservable(subject, (error) => reported.push(error)) };
}

const refuse = (error: Error) => () => {
  throw error;
};

describe('GuardedObservable', () => {
  it('reports what a subscriber throws, and goes on', () => {
    const { subject, reported, numbers$ } = guarded();
    const seen: number[] = [];
    const error = new Error('mine');
    numbers$.subscribe(refuse(error));
    numbers$.subscribe((value) => seen.push(value));
    subject.next(1);
    subject.next(2);
    expect(reported).toEqual([error, error]);
    expect(seen).toEqual([1, 2]);
  });

  it('reports what is thrown behind operators, and by them', () => {
    const { subject, reported, numbers$ } = guarded();
    const [behind, within] = [new Error('behind'), new Error('within')];
    numbers$.pipe(filter((value) => value > 1)).subscribe({ next: refuse(behind) });
    numbers$.pipe(map(refuse(within))).subscribe();
    subject.next(2);
    expect(reported).toEqual([behind, within]);
  });

  it("reports an async subscriber's rejection", async () => {
    const { subject, reported, numbers$ } = guarded();
    const error = new Error('later');
    const rejecting: () => unknown = async () => Promise.reject(error);
    numbers$.subscribe(rejecting);
    subject.next(1);
    await new Promise(setImmediate);
    expect(reported).toEqual([error]);
  });

  it('hands errors and the end to those who want them', () => {
    const { subject, reported, numbers$ } = guarded();
    const seen: unknown[] = [];
    numbers$.subscribe({ error: (error) => seen.push(error) });
    numbers$.pipe(take(1)).subscribe({ complete: () => seen.push('end') });
    subject.next(1);
    subject.error('broken');
    expect(seen).toEqual(['end', 'broken']);
    expect(reported).toEqual([]);
  });

  it('works with the functions of RxJS that subscribe themselves', async () => {
    const { subject, numbers$ } = guarded();
    const all = firstValueFrom(numbers$.pipe(toArray()));
    subject.next(1);
    subject.next(2);
    subject.complete();
    await expect(all).resolves.toEqual([1, 2]);
  });

  it('lets go of its source when it is unsubscribed', () => {
    const { subject, numbers$ } = guarded();
    const subscription = numbers$.pipe(map(String)).subscribe();
    expect(subject.observed).toBe(true);
    subscription.unsubscribe();
    expect(subject.observed).toBe(false);
  });
});
