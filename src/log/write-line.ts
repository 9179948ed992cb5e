import type { LogLevelName } from '../config/server-options.js';

const RANK: Readonly<Record<LogLevelName, number>> = { error: 0, warn: 1, log: 2, debug: 3 };

/** True when lines of `level` are wanted where `least` is the least important level. */
export function isWanted(level: LogLevelName, least: LogLevelName): boolean {
  return RANK[level] <= RANK[least];
}

/** What was given to a logger, as one text: errors with their stack. */
export function messageOf(parts: readonly unknown[]): string {
  return parts
    .filter((part) => part !== undefined)
    .map(textOf)
    .join(' ');
}

/** Lines for stdout that were written in this turn of the event loop. */
let gathered = '';

/** Writes one line of the log: what needs somebody's attention to stderr, the rest to stdout. */
export function writeLine(level: LogLevelName, context: string, message: string): void {
  const line = `${new Date().toISOString()} ${level.toUpperCase().padEnd(5)} [${context}] ${message}\n`;
  if (RANK[level] <= RANK.warn) process.stderr.write(line);
  else gather(line);
}

/**
 * A write to a pipe blocks, and costs about as much as the request that it reports: the lines of one turn go out together. They are
 * written at the latest when the process exits.
 */
function gather(line: string): void {
  if (gathered === '') setImmediate(flush);
  gathered += line;
}

function flush(): void {
  const lines = gathered;
  gathered = '';
  if (lines !== '') process.stdout.write(lines);
}

process.on('exit', flush);

function textOf(value: unknown): string {
  if (value instanceof Error) return value.stack ?? value.message;
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
}
