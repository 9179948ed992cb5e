import type { LoggerService } from '@nestjs/common';
import type { LogLevelName } from '../config/server-options.js';
import { isWanted, messageOf, writeLine } from './write-line.js';

/** Nest tells every module and route at start: of use to somebody who looks for a fault, in nobody's way otherwise. */
const CHATTY = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);
/** Nest reports a failed start under this name and throws it, too: main prints it, in one line. */
const START_FAILURE = 'ExceptionHandler';

/** Nest's log as one line an entry. */
export class ServerLogger implements LoggerService {
  constructor(private readonly least: LogLevelName) {}

  error(message: unknown, ...details: unknown[]): void {
    this.write('error', message, details);
  }
  fatal(message: unknown, ...details: unknown[]): void {
    this.write('error', message, details);
  }
  warn(message: unknown, ...details: unknown[]): void {
    this.write('warn', message, details);
  }
  log(message: unknown, ...details: unknown[]): void {
    this.write('log', message, details);
  }
  debug(message: unknown, ...details: unknown[]): void {
    this.write('debug', message, details);
  }
  verbose(message: unknown, ...details: unknown[]): void {
    this.write('debug', message, details);
  }

  /** Nest puts the context last. */
  private write(given: LogLevelName, message: unknown, details: readonly unknown[]): void {
    const last = details.at(-1);
    const context = typeof last === 'string' ? last : 'Server';
    const level = given === 'log' && CHATTY.has(context) ? 'debug' : given;
    if (context === START_FAILURE || !isWanted(level, this.least)) return;
    const rest = typeof last === 'string' ? details.slice(0, -1) : details;
    writeLine(level, context, messageOf([message, ...rest]));
  }
}
