/** Upper bounds of the classes that durations are counted in, in seconds. */
export const DURATION_BOUNDS: readonly number[] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 30];

/** How long something took, as a histogram. */
export interface DurationsSnapshot {
  /** Of each bound in `DURATION_BOUNDS`: how many took at most so long. */
  readonly counts: readonly number[];
  readonly count: number;
  /** Of all, in seconds. */
  readonly sum: number;
}

/** Counts durations by classes: what a histogram of Prometheus shows, without its library. */
export class Durations {
  private readonly counts = DURATION_BOUNDS.map(() => 0);
  private count = 0;
  private sum = 0;

  observe(milliseconds: number): void {
    const seconds = milliseconds / 1_000;
    this.count += 1;
    this.sum += seconds;
    for (const [index, bound] of DURATION_BOUNDS.entries()) {
      if (seconds <= bound) this.counts[index] = (this.counts[index] ?? 0) + 1;
    }
  }

  snapshot(): DurationsSnapshot {
    return { counts: [...this.counts], count: this.count, sum: this.sum };
  }
}
