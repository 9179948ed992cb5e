/** What begins a line of ours; Node may write a warning of its own meanwhile. */
const TIME = /^\d{4}-\S+ /;
const STREAMS = ['stdout', 'stderr'] as const;

/**
 * Catches what the tests of a file log to stdout and stderr.
 * @returns the lines of the test that runs, each after the name of its stream and without its time
 */
export function captureOutput(): readonly string[] {
  const written: string[] = [];
  const writes = STREAMS.map((stream) => process[stream].write.bind(process[stream]));
  beforeEach(() => {
    written.length = 0;
    for (const stream of STREAMS) {
      process[stream].write = (line: string | Uint8Array) => {
        const text = String(line);
        if (TIME.test(text)) written.push(`${stream} ${text.replace(TIME, '')}`);
        return true;
      };
    }
  });
  afterEach(() => {
    for (const [index, stream] of STREAMS.entries()) process[stream].write = writes[index]!;
  });
  return written;
}

/** Lines for stdout are written at the end of the turn. */
export const endOfTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
