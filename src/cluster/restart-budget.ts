/** How often workers may die before it is no accident any more. */
export class RestartBudget {
  private readonly deaths: number[] = [];

  /**
   * @param limit deaths within `window` that are made good for
   * @param window milliseconds
   */
  constructor(
    private readonly limit: number,
    private readonly window: number,
  ) {}

  /** Counts a death at `now`. True: start a new worker; false: give up. */
  spend(now: number): boolean {
    this.deaths.push(now);
    while ((this.deaths[0] ?? now) <= now - this.window) this.deaths.shift();
    return this.deaths.length <= this.limit;
  }
}
