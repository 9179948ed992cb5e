/** What the contract suites use of a test runner: Jest, Vitest and Mocha with `beforeEach` all have it as globals. */
interface Runner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void> | void): void;
  beforeEach(body: () => Promise<void> | void): void;
  afterEach(body: () => Promise<void> | void): void;
}

/** The runner that is running; looked up late, so that this module can be imported outside one. */
export function runner(): Runner {
  const globals = globalThis as Partial<Runner>;
  const { describe, it, beforeEach, afterEach } = globals;
  if (describe && it && beforeEach && afterEach) return { describe, it, beforeEach, afterEach };
  throw new Error(
    'A contract suite runs inside a test runner with describe, it, beforeEach and afterEach as globals.',
  );
}
