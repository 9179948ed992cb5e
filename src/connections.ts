import type { Server, ServerOptions as HttpOptions } from 'node:http';
import { boundUnreadBody } from '@nestjs-tus/core';
import type { ServerOptions } from './config/server-options.js';

/** A final upload names its partial ones in a header: a thousand of them. */
const MAX_HEADER_BYTES = 128 * 1024;
/** How often Node looks for requests whose time is up, if their time is not shorter. */
const CHECK_INTERVAL_MS = 30_000;

type Limits = Pick<ServerOptions, 'headerTimeout' | 'keepAliveTimeout' | 'maxConnections' | 'workers'>;

/** What the HTTP server is made with. `requestTimeout` stays Node's: the module exempts uploads from it. */
export function httpOptionsOf({ headerTimeout, keepAliveTimeout }: Limits): HttpOptions {
  return {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: headerTimeout,
    // Node refuses a time for the whole request that is shorter than that for its head.
    requestTimeout: Math.max(REQUEST_TIMEOUT_MS, headerTimeout),
    keepAliveTimeout,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, headerTimeout),
  };
}

/** Node's own default. */
const REQUEST_TIMEOUT_MS = 300_000;

/** Cuts what clients send on after an answer, also on routes that read no body: 404, the description of the server. */
export function boundUnreadBodies(server: Server): void {
  server.prependListener('request', (req, res) => {
    const { 'content-length': length = '0', 'transfer-encoding': coding } = req.headers;
    if (length !== '0' || coding !== undefined) boundUnreadBody(req, res);
  });
}

/**
 * Closes connections beyond the limit at once; those that are open stay. Each worker takes its share.
 *
 * `server.maxConnections` does not do: a worker of node:cluster that has enough hands a connection back to the primary process, which offers it to the
 * next worker, without end when all have enough.
 */
export function limitConnections(server: Server, { maxConnections, workers }: Limits): void {
  if (maxConnections === 0) return;
  const most = Math.ceil(maxConnections / workers);
  let open = 0;
  server.prependListener('connection', (socket) => {
    if (open >= most) {
      socket.destroy();
      return;
    }
    open += 1;
    socket.once('close', () => (open -= 1));
  });
}
