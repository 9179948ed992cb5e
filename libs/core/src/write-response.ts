import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { awaitsContinue } from './body/expect-continue.js';
import type { Exchange } from './exchange.js';
import { hasField } from './headers/field-list.js';
import type { ResponseHead } from './response.js';
import { cutWhenStalled } from './stalled-reader.js';
import { boundUnreadBody } from './unread-body.js';

/** Bytes of a refused body that are read so that the connection can go on: less than a new connection costs. */
const MAX_DRAINED_BYTES = 64 * 1024;
/** How much of a larger one is read before the connection is closed, so that the client sees the answer and no reset. */
const MAX_LINGER_BYTES = 1024 * 1024;
const MAX_LINGER_MS = 2_000;

/** Statuses of tus that Node has no phrase for. */
const REASONS: ReadonlyMap<number, string> = new Map([[460, 'Checksum Mismatch']]);

/**
 * Writes a response to Node's own object. Resolves when it is handed to the socket, or the client is gone.
 *
 * @param onLateFailure called when something fails after that
 * @throws Error when it cannot be written: a header that cannot be sent, a response that something else has begun or patched
 */
export async function writeResponse(
  exchange: Exchange,
  head: ResponseHead,
  onLateFailure: (error: unknown) => void,
): Promise<void> {
  const { req, res } = exchange;
  const isAnswered = exchange.isAnswered;
  exchange.isAnswered = true;
  if (isAnswered || res.destroyed || res.headersSent || res.writableEnded) {
    // No client will read it: what it holds must be given back all the same.
    if (typeof head.body === 'object') head.body.destroy();
    if (isAnswered || res.destroyed) return;
    throw new Error('something else has begun to answer this request');
  }
  const lingers = leavesBodyUnread(exchange);
  const isMultiplexed = req.httpVersionMajor >= 2;
  const headers = lingers && !isMultiplexed ? [...head.headers, 'Connection', 'close'] : head.headers;
  if (head.body !== undefined && typeof head.body !== 'string') {
    writeHead(res, head.status, headers);
    return stream(res, head.body, exchange.networkTimeout);
  }
  const body = head.body ?? '';
  const text = req.method === 'HEAD' ? '' : body;
  writeHead(res, head.status, withLength(req, head.status, headers, body));
  if (isMultiplexed && exchange.hasBody && !req.complete) res.once('finish', () => closeStream(res));
  if (!lingers || isMultiplexed) {
    if (exchange.hasBody) boundUnreadBody(req, res);
    res.end(text);
    return;
  }
  if (text === '') res.flushHeaders();
  else res.write(text);
  // A request that was pipelined waits for its turn: until then the connection is that of the requests before it.
  if (res.socket) linger(req, res, onLateFailure);
  else res.once('socket', () => linger(req, res, onLateFailure));
}

/** One flat list in one call is the cheapest; somebody who wrapped `writeHead` or set headers wants to see them one by one. */
function writeHead(res: ServerResponse, status: number, headers: string[]): void {
  const reason = REASONS.get(status);
  if (res.writeHead === ServerResponse.prototype.writeHead && res.getHeaderNames().length === 0) {
    if (reason) res.writeHead(status, reason, headers);
    else res.writeHead(status, headers);
    return;
  }
  for (let index = 0; index < headers.length; index += 2)
    addHeader(res, headers[index] ?? '', headers[index + 1] ?? '');
  if (reason) res.writeHead(status, reason);
  else res.writeHead(status);
}

/** CORS that the application has set already stays as it is: twice the same header is an error to a browser. */
function addHeader(res: ServerResponse, name: string, value: string): void {
  const existing = res.getHeader(name);
  if (existing === undefined) res.setHeader(name, value);
  else if (name === 'Vary') res.setHeader(name, [existing, value].flat().join(', '));
  else if (!name.startsWith('Access-Control-')) res.setHeader(name, value);
}

/** RFC 9110, 8.6: Content-Length in an answer to HEAD says what GET would have: where nothing else has said it, it is not known. */
function withLength({ method }: IncomingMessage, status: number, headers: string[], body: string): string[] {
  const hasNone = status === 204 || status === 304 || status < 200 || method === 'HEAD';
  if (hasNone || hasField(headers, 'Content-Length')) return headers;
  return [...headers, 'Content-Length', String(Buffer.byteLength(body))];
}

function leavesBodyUnread({ req, hasBody }: Exchange): boolean {
  if (!hasBody || req.complete) return false;
  if (awaitsContinue(req) || req.readableDidRead) return true;
  const length = Number(req.headers['content-length'] ?? Infinity);
  return !(length <= MAX_DRAINED_BYTES);
}

/**
 * Reads on for a little while after the answer, then closes. Closing with unread bytes resets the connection, and the client may
 * lose the answer that is on its way.
 */
function linger(req: IncomingMessage, res: ServerResponse, onFailure: (error: unknown) => void): void {
  let seen = 0;
  const close = () => {
    clearTimeout(timer);
    req.off('data', count);
    try {
      res.end();
      req.socket.destroySoon();
    } catch (error) {
      onFailure(error);
    }
  };
  const count = (chunk: Buffer) => {
    seen += chunk.length;
    if (seen > MAX_LINGER_BYTES) close();
  };
  const timer = setTimeout(close, MAX_LINGER_MS);
  req.on('data', count);
  req.once('end', close);
  req.once('close', close);
  req.resume();
}

/** Closes the connection of a request that cannot be answered; of HTTP/2, its stream. Leaves a response alone that is complete. */
export function breakConnection(req: IncomingMessage, res: ServerResponse): void {
  if (res.writableEnded || res.destroyed) return;
  for (const destroy of [() => res.destroy(), () => req.destroy(), () => req.socket.destroy()]) {
    try {
      destroy();
      return;
    } catch {
      // Something has patched it: the next one is nearer to the socket.
    }
  }
}

/** RFC 9113, 8.1: a server that has answered may ask its client to stop sending, by resetting the stream without an error. */
function closeStream(res: ServerResponse & { readonly stream?: { close?(): void } }): void {
  res.stream?.close?.();
}

async function stream(res: ServerResponse, body: Readable, timeout: number): Promise<void> {
  if (res.req.method === 'HEAD') {
    body.destroy();
    res.end();
    return;
  }
  const stopWatching = cutWhenStalled(res, timeout);
  try {
    await pipeline(body, res);
  } catch (error) {
    // The head is sent: what remains is to break the connection, which `pipeline` has done. A client that went away is no error.
    if (!isPrematureClose(error)) throw error;
  } finally {
    stopWatching();
  }
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
