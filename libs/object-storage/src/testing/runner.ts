/** What the contract suites use of a test runner: Jest, Vitest and Mocha have it as globals. */
interface Runner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
}

/** The runner that is running; looked up late, so that this module can be imported outside one. */
export function runner(): Runner {
  const { describe, it } = globalThis as Partial<Runner>;
  if (describe && it) return { describe, it };
  throw new Error('A contract suite runs inside a test runner with describe and it as globals.');
}
