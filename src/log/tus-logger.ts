import type { TusLogger } from 'nestjs-tus';
import type { LogLevelName } from '../config/server-options.js';
import { isWanted, messageOf, writeLine } from './write-line.js';

const CONTEXT = 'TusModule';

/**
 * The log of the endpoint, past Nest's own logger: it writes a line for each upload. Without a `debug` where nobody wants
 * those lines, so that they are not put together either.
 */
export function tusLoggerOf(least: LogLevelName): TusLogger {
  const at =
    (level: LogLevelName) =>
    (message: string, ...details: unknown[]) => {
      if (isWanted(level, least))
        writeLine(level, CONTEXT, details.length > 0 ? messageOf([message, ...details]) : message);
    };
  const logger = { error: at('error'), warn: at('warn'), log: at('log') };
  return isWanted('debug', least) ? { ...logger, debug: at('debug') } : logger;
}
