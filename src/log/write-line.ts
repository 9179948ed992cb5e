import { inspect } from 'node:util';
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
  if (RANK[level] <= RANK.warn) write(process.stderr, line);
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
  if (lines !== '') write(process.stdout, lines);
}

process.on('exit', flush);
// Not at the first line: whatever writes to them, the reader of a log may go away, and the disk that it lies on be full.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: Error) => onUnreadable(stream, error));

const unreadable = new Set<NodeJS.WritableStream>();

/** Without a listener the error of a stream that nobody reads any more would end the process. Says it once, where that can still be read. */
function onUnreadable(stream: NodeJS.WritableStream, error: Error): void {
  if (unreadable.has(stream)) return;
  unreadable.add(stream);
  const name = stream === process.stdout ? 'stdout' : 'stderr';
  if (name === 'stdout')
    writeLine('warn', 'Server', `${name} cannot be written to (${error.message}): its lines are lost`);
}

/** A file on a full disk throws at once, in some versions of Node. */
function write(stream: NodeJS.WritableStream, text: string): void {
  try {
    stream.write(text);
  } catch (error) {
    onUnreadable(stream, error instanceof Error ? error : new Error(String(error)));
  }
}

/** What is logged may be anything that an app has thrown: one that cannot be written as JSON is shown as Node shows it. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    if (value instanceof Error) return value.stack ?? value.message;
    return JSON.stringify(value) ?? String(value);
  } catch {
    return inspect(value, { depth: 1 });
  }
}
