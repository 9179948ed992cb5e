import type { LogLevelName } from '../config/server-options.js';

const RANK: Readonly<Record<LogLevelName, number>> = { error: 0, warn: 1, log: 2, debug: 3 };

/** True when lines of `level` are wanted where `least` is the least important level. */
export function isWanted(level: LogLevelName, least: LogLevelName): boolean {
  return RANK[level] <= RANK[least];
}

/** Writes one line of the log: what needs somebody's attention to stderr, the rest to stdout. */
export function writeLine(level: LogLevelName, context: string, message: string): void {
  const stream = RANK[level] <= RANK.warn ? process.stderr : process.stdout;
  stream.write(`${new Date().toISOString()} ${level.toUpperCase().padEnd(5)} [${context}] ${message}\n`);
}
