/**
 * Calls back after a time without activity. Activity costs one clock reading: the timer is not moved by it, it looks
 * when it fires how long ago the last one was.
 */
export class IdleTimer {
  private timer: NodeJS.Timeout | undefined;
  private lastActivity = 0;

  /** @param timeout milliseconds */
  constructor(
    private readonly timeout: number,
    private readonly onIdle: () => void,
  ) {}

  touch(): void {
    this.lastActivity = performance.now();
  }

  /** Starts, or goes on after `suspend`: from now on silence counts. */
  resume(): void {
    if (this.timer) return;
    this.touch();
    this.timer = setTimeout(this.look, this.timeout);
  }

  suspend(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  stop(): void {
    this.suspend();
  }

  private readonly look = (): void => {
    const silence = performance.now() - this.lastActivity;
    if (silence >= this.timeout) {
      this.timer = undefined;
      this.onIdle();
      return;
    }
    this.timer = setTimeout(this.look, Math.ceil(this.timeout - silence));
  };
}
