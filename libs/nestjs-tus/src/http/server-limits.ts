import { maxHeaderSize } from 'node:http';
import type { Server } from 'node:http';

/** The head of a final upload names its partial ones: a thousand URLs. */
const FINAL_HEAD_BYTES = 128 * 1024;

/** `http.Server` has it, though Node documents it as an option only; it is read for each connection. */
type LimitedServer = Server & { maxHeaderSize?: number };

/** Lets requests have a head that names a thousand partial uploads, unless the app has set a limit: Node's is 16 KiB, and 431 beyond it. */
export function raiseHeaderLimit(server: LimitedServer): void {
  // HTTP/2 limits heads by its settings.
  if (server.requestTimeout === undefined || server.maxHeaderSize !== undefined) return;
  server.maxHeaderSize = Math.max(maxHeaderSize, FINAL_HEAD_BYTES);
}

/** What the app's server bounds of its connections, for the log: `header timeout 60 s, idle keep-alive 5 s, connections unlimited, …`. */
export function describeLimits(server: LimitedServer): string {
  if (server.requestTimeout === undefined) return 'limits of connections are those of its HTTP/2 server';
  const { headersTimeout, keepAliveTimeout, maxConnections } = server;
  return [
    `header timeout ${seconds(headersTimeout)}`,
    `idle keep-alive ${seconds(keepAliveTimeout)}`,
    `connections ${maxConnections > 0 ? String(maxConnections) : 'unlimited'}`,
    `heads up to ${Math.floor((server.maxHeaderSize ?? maxHeaderSize) / 1024)} KiB`,
    `requests other than uploads ${seconds(server.requestTimeout)}`,
  ].join(', ');
}

function seconds(milliseconds: number): string {
  return milliseconds > 0 ? `${milliseconds / 1_000} s` : 'unlimited';
}
