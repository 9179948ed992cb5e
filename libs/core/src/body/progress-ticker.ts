/** Reports a growing number now and then, only when it has changed, and a last time when it stops. */
export class ProgressTicker {
  private readonly timer: NodeJS.Timeout;
  private reported: number;

  /** @param interval milliseconds */
  constructor(
    interval: number,
    private readonly current: () => number,
    private readonly report: (value: number) => void,
  ) {
    this.reported = current();
    this.timer = setInterval(() => this.tick(), interval);
  }

  stop(): void {
    clearInterval(this.timer);
    this.tick();
  }

  private tick(): void {
    const value = this.current();
    if (value === this.reported) return;
    this.reported = value;
    this.report(value);
  }
}
