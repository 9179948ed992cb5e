import {
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';

/** HTTP/1.1 in the latest versions of Node (24.21 and 26.12 have it, 24.16 and 26.0 do not). */
interface WritesInformation {
  writeInformation(status: number, headers: Record<string, string>): unknown;
}

/** HTTP/1.1 in all others: how Node itself writes 100 and 103. It keeps the order of pipelined responses. */
interface WritesRaw {
  _writeRaw(data: string, encoding: BufferEncoding): unknown;
}

/** HTTP/2. */
interface HasStream {
  readonly stream: {
    readonly destroyed: boolean;
    additionalHeaders(headers: Record<string, string | number>): void;
  };
}

/**
 * Sends an informational response while its request goes on. Most versions of Node have no public way for any status, so this is
 * the one place that knows how. Does nothing where it cannot be sent: to HTTP/1.0, or after the final response.
 *
 * @param headers names and values in turn
 */
export function sendInterim(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  reason: string,
  headers: readonly string[],
): void {
  // RFC 9110, 15.2: "a server MUST NOT send a 1xx response to an HTTP/1.0 client".
  if (req.httpVersionMajor < 2 && req.httpVersionMinor < 1) return;
  if (res.headersSent || res.destroyed || res.writableEnded) return;
  const fields = pairsOf(headers);
  if (hasStream(res)) {
    if (!res.stream.destroyed)
      res.stream.additionalHeaders({ ':status': status, ...Object.fromEntries(fields) });
  } else if (writesInformation(res)) {
    // It has no parameter for the phrase: it reads this table, which lacks 104, and writes "unknown" for what is not there.
    STATUS_CODES[status] ??= reason;
    res.writeInformation(status, Object.fromEntries(fields));
  } else if (writesRaw(res)) {
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
    res._writeRaw(`HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n`, 'latin1');
  }
}

/** True while a client does not even read what was sent: then nothing is added. */
export function isCongested(res: ServerResponse): boolean {
  return (res.socket?.writableLength ?? 0) > 0;
}

function pairsOf(headers: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const [name = '', value = ''] = headers.slice(index, index + 2);
    validateHeaderName(name);
    validateHeaderValue(name, value);
    pairs.push([name, value]);
  }
  return pairs;
}

function hasStream(res: object): res is HasStream {
  if (!('stream' in res) || typeof res.stream !== 'object' || res.stream === null) return false;
  return 'additionalHeaders' in res.stream;
}

function writesInformation(res: object): res is WritesInformation {
  return 'writeInformation' in res && typeof res.writeInformation === 'function';
}

function writesRaw(res: object): res is WritesRaw {
  return '_writeRaw' in res && typeof res._writeRaw === 'function';
}
