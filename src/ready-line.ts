import type { ServerOptions } from './config/server-options.js';

/** The line that says that requests are accepted. */
export function readyLine({ host, basePath }: ServerOptions, port: number): string {
  return `ready at http://${host.includes(':') ? `[${host}]` : host}:${port}${basePath}\n`;
}
