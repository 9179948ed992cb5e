/** A response as it was on the wire. */
export interface WireResponse {
  readonly status: number;
  readonly reason: string;
  /** Names as sent, duplicates kept, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** The only value of a header; undefined when there is none. Throws when it was sent twice. */
  header(name: string): string | undefined;
  /** Every value of a header. */
  all(name: string): string[];
}

interface Parsing {
  /** Of the request that is answered. */
  method: string;
  /** True when no more bytes will come. */
  atEnd: boolean;
}

/** The first complete message in `bytes` and how long it is; undefined when bytes are missing. */
export function parseMessage(
  bytes: Buffer,
  { method, atEnd }: Parsing,
): { response: WireResponse; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n');
  const match = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(statusLine);
  if (!match) throw new Error(`not a status line: ${statusLine}`);
  const status = Number(match[1]);
  const fields = lines.map(parseField);
  const all = (name: string) =>
    fields.filter(([field]) => field.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  const body = readBody(bytes.subarray(headEnd + 4), { status, method, atEnd, all });
  if (!body) return undefined;
  const header = (name: string) => {
    const [first, ...others] = all(name);
    if (others.length > 0) throw new Error(`${name} was sent ${others.length + 1} times`);
    return first;
  };
  const response = { status, reason: match[2] ?? '', fields, all, header, body: body.content };
  return { response, length: headEnd + 4 + body.length };
}

function parseField(line: string): readonly [string, string] {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
  if (!match) throw new Error(`not a header line: ${JSON.stringify(line)}`);
  return [match[1] ?? '', match[2] ?? ''];
}

interface BodyParsing extends Parsing {
  status: number;
  all(name: string): string[];
}

function readBody(
  rest: Buffer,
  { status, method, atEnd, all }: BodyParsing,
): { content: Buffer; length: number } | undefined {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304)
    return { content: Buffer.alloc(0), length: 0 };
  if (all('transfer-encoding').some((coding) => /chunked/i.test(coding))) return readChunks(rest);
  const [declared] = all('content-length');
  if (declared === undefined) return atEnd ? { content: rest, length: rest.length } : undefined;
  const length = Number(declared);
  return rest.length < length ? undefined : { content: rest.subarray(0, length), length };
}

function readChunks(rest: Buffer): { content: Buffer; length: number } | undefined {
  const parts: Buffer[] = [];
  let position = 0;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', position);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(rest.subarray(position, lineEnd).toString('latin1'), 16);
    position = lineEnd + 2;
    if (size === 0) break;
    if (rest.length < position + size + 2) return undefined;
    parts.push(rest.subarray(position, position + size));
    position += size + 2;
  }
  const end =
    rest.subarray(position, position + 2).toString('latin1') === '\r\n'
      ? position
      : rest.indexOf('\r\n\r\n', position) + 2;
  if (end < position || rest.length < end + 2) return undefined;
  return { content: Buffer.concat(parts), length: end + 2 };
}
