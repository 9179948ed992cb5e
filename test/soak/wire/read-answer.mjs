/**
 * The strict reader of answers: what a proxy or a browser may stumble over is a MalformedAnswer here.
 */
export class MalformedAnswer extends Error {}

const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/;
const FIELD_LINE =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*$/;
/** Fields that say one thing, so that a second one contradicts it. */
const SINGLE_FIELDS = [
  'content-length',
  'content-type',
  'transfer-encoding',
  'location',
  'tus-resumable',
  'upload-offset',
  'upload-length',
  'upload-complete',
  'upload-metadata',
  'etag',
  'date',
];
const MOST_HEAD_BYTES = 1024 * 1024;

/**
 * The first complete answer in `bytes`; undefined while bytes are missing.
 * @param method of the request that is answered
 * @param atEnd true when no more bytes will come
 * @returns status, fields, body, and how many bytes it has
 * @throws MalformedAnswer
 */
export function readAnswer(bytes, method, atEnd) {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) {
    if (bytes.length > MOST_HEAD_BYTES) throw new MalformedAnswer('a head that does not end');
    return undefined;
  }
  const [statusLine, ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n');
  const status = Number(STATUS_LINE.exec(statusLine)?.[1]);
  if (Number.isNaN(status)) throw new MalformedAnswer(`status line ${JSON.stringify(statusLine)}`);
  const fields = fieldsOf(lines);
  const framing = framingOf(status, method, fields);
  const body = readBody(bytes.subarray(headEnd + 4), framing, atEnd);
  if (!body) return undefined;
  return { status, fields, body: body.content, length: headEnd + 4 + body.length };
}

function fieldsOf(lines) {
  const fields = new Map();
  for (const line of lines) {
    const match = FIELD_LINE.exec(line);
    if (!match) throw new MalformedAnswer(`header line ${JSON.stringify(line.slice(0, 200))}`);
    const name = match[1].toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), match[2]]);
  }
  for (const name of SINGLE_FIELDS) {
    const values = fields.get(name) ?? [];
    if (values.length > 1) throw new MalformedAnswer(`${name} ${values.length} times`);
  }
  return fields;
}

/** How long the body is: a number of bytes, `chunked`, or `close` for until the connection ends. */
function framingOf(status, method, fields) {
  const [length] = fields.get('content-length') ?? [];
  const [coding] = fields.get('transfer-encoding') ?? [];
  if (length !== undefined && coding !== undefined) {
    throw new MalformedAnswer('Content-Length beside Transfer-Encoding');
  }
  if (length !== undefined && !/^\d+$/.test(length)) throw new MalformedAnswer(`Content-Length: ${length}`);
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    throw new MalformedAnswer(`Transfer-Encoding: ${coding}`);
  }
  const isBodiless = status < 200 || status === 204;
  if (isBodiless && (length !== undefined || coding !== undefined)) {
    throw new MalformedAnswer(
      `${status} with ${coding === undefined ? 'Content-Length' : 'Transfer-Encoding'}`,
    );
  }
  if (method === 'HEAD' || isBodiless || status === 304) return 0;
  if (coding !== undefined) return 'chunked';
  if (length !== undefined) return Number(length);
  return 'close';
}

function readBody(rest, framing, atEnd) {
  if (framing === 'chunked') return readChunks(rest);
  if (framing === 'close') return atEnd ? { content: rest, length: rest.length } : undefined;
  return rest.length < framing ? undefined : { content: rest.subarray(0, framing), length: framing };
}

function readChunks(rest) {
  const parts = [];
  let position = 0;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', position);
    if (lineEnd < 0) return undefined;
    const line = rest.subarray(position, lineEnd).toString('latin1');
    if (!/^[0-9a-f]+$/i.test(line))
      throw new MalformedAnswer(`chunk size ${JSON.stringify(line.slice(0, 50))}`);
    const size = Number.parseInt(line, 16);
    position = lineEnd + 2;
    if (rest.length < position + size + 2) return undefined;
    if (rest.subarray(position + size, position + size + 2).toString('latin1') !== '\r\n') {
      throw new MalformedAnswer(size === 0 ? 'trailers' : 'a chunk that is longer than it says');
    }
    parts.push(rest.subarray(position, position + size));
    position += size + 2;
    if (size === 0) return { content: Buffer.concat(parts), length: position };
  }
}
