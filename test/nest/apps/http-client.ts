import { request } from 'node:http';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a request as it stands: nothing is added but what HTTP/1.1 demands. */
export function send(
  method: string,
  url: string,
  headers: OutgoingHttpHeaders = {},
  body: string | Buffer = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export const TUS = { 'Tus-Resumable': '1.0.0' };
export const OFFSET_STREAM = { 'Content-Type': 'application/offset+octet-stream' };

/** Creates an upload. @returns its URL on the server that was asked */
export async function create(
  collection: string,
  length: number,
  headers: OutgoingHttpHeaders = {},
): Promise<string> {
  const answer = await send('POST', collection, { ...TUS, 'Upload-Length': length, ...headers });
  if (answer.status !== 201) throw new Error(`creation answered ${answer.status} ${answer.body}`);
  return new URL(answer.headers.location ?? '', collection).href;
}

export function append(
  url: string,
  offset: number,
  body: string,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  return send('PATCH', url, { ...TUS, ...OFFSET_STREAM, 'Upload-Offset': offset, ...headers }, body);
}

export async function upload(
  collection: string,
  body: string,
  headers: OutgoingHttpHeaders = {},
  appendHeaders: OutgoingHttpHeaders = {},
): Promise<string> {
  const url = await create(collection, Buffer.byteLength(body), headers);
  const answer = await append(url, 0, body, appendHeaders);
  if (answer.status !== 204) throw new Error(`PATCH answered ${answer.status} ${answer.body}`);
  return url;
}

export const idOf = (url: string): string => url.slice(url.lastIndexOf('/') + 1);
