import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';

/** A header that is undefined is not sent: that is how a default is taken away. */
export type RequestHeaders = Record<string, string | undefined>;

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export const OFFSET_STREAM = 'application/offset+octet-stream';
const TUS: RequestHeaders = { 'Tus-Resumable': '1.0.0' };

/** One request on a connection of its own. Resolves with the answer even if the server did not want the whole body. */
export function send(
  method: string,
  url: string,
  headers: RequestHeaders = {},
  body?: string | Uint8Array,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method, agent: false, headers: present(headers) }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const content = Buffer.concat(parts);
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: content,
          text: content.toString(),
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** POST without a body, unless one is given. */
export function create(
  collection: string,
  headers: RequestHeaders = {},
  body?: string | Uint8Array,
): Promise<Reply> {
  const length = String(body?.length ?? 0);
  return send('POST', collection, { ...TUS, 'Content-Length': length, ...headers }, body);
}

/** Creates an upload and gives its URL. */
export async function createUpload(
  collection: string,
  length: number | 'deferred',
  headers: RequestHeaders = {},
): Promise<string> {
  const size: RequestHeaders =
    length === 'deferred' ? { 'Upload-Defer-Length': '1' } : { 'Upload-Length': String(length) };
  return locationOf(collection, await create(collection, { ...size, ...headers }));
}

/** Creates an upload and sends all of it. */
export async function storeUpload(
  collection: string,
  content: string | Uint8Array,
  headers: RequestHeaders = {},
): Promise<string> {
  const url = await createUpload(collection, content.length, headers);
  if (content.length === 0) return url;
  const reply = await patch(url, 0, content);
  if (reply.status !== 204) throw new Error(`PATCH answered ${reply.status} ${reply.text}`);
  return url;
}

/** The Location of a 201, resolved against the URL that was asked. */
export function locationOf(asked: string, reply: Reply): string {
  if (reply.status !== 201) throw new Error(`POST answered ${reply.status} ${reply.text}`);
  if (!reply.headers.location) throw new Error('201 without Location');
  return new URL(reply.headers.location, asked).href;
}

export function patch(
  url: string,
  offset: number,
  body: string | Uint8Array,
  headers: RequestHeaders = {},
): Promise<Reply> {
  const usual = { ...TUS, 'Content-Type': OFFSET_STREAM, 'Upload-Offset': String(offset) };
  return send('PATCH', url, { ...usual, 'Content-Length': String(body.length), ...headers }, body);
}

export function head(url: string, headers: RequestHeaders = {}): Promise<Reply> {
  return send('HEAD', url, { ...TUS, ...headers });
}

/** The offset that HEAD reports. */
export async function offsetOf(url: string): Promise<number> {
  const reply = await head(url);
  if (reply.status !== 200) throw new Error(`HEAD answered ${reply.status}`);
  return Number(reply.headers['upload-offset']);
}

export function download(url: string, headers: RequestHeaders = {}): Promise<Reply> {
  return send('GET', url, headers);
}

export function terminate(url: string, headers: RequestHeaders = {}): Promise<Reply> {
  return send('DELETE', url, { ...TUS, ...headers });
}

export function options(url: string, headers: RequestHeaders = {}): Promise<Reply> {
  return send('OPTIONS', url, headers);
}

/** The list in Tus-Extension. */
export async function extensionsOf(collection: string): Promise<string[]> {
  const reply = await options(collection);
  return String(reply.headers['tus-extension'] ?? '')
    .split(',')
    .filter(Boolean);
}

function present(headers: RequestHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}
