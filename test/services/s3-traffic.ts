import { createServer, type IncomingMessage, request as httpRequest, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../harness/eventually.js';

/** One S3 request and its answer, as they went over the wire. */
export interface S3Call {
  /** As AWS names it, e.g. `UploadPart`. */
  readonly operation: string;
  /** The object's key; empty for a call to the bucket. */
  readonly key: string;
  /** 0: the client was gone, or the service, before there was an answer. */
  readonly status: number;
  /** Bytes of the request's body. */
  readonly up: number;
  /** Bytes of the answer's body. */
  readonly down: number;
  /** Bytes of the start lines and headers, both ways. */
  readonly headers: number;
}

/** An HTTP proxy between clients and an S3 service that notes what goes through. */
export interface S3Traffic {
  /** What clients take for the service. */
  readonly endpoint: string;
  /** The calls since the last time this was asked, in the order in which they ended; waits for those that are under way. */
  take(): Promise<S3Call[]>;
}

/** Starts a proxy to a service on this host. It is closed after the tests of this file. */
export async function startS3Traffic(service: string): Promise<S3Traffic> {
  const target = { host: '127.0.0.1', port: new URL(service).port, agent: false };
  let calls: S3Call[] = [];
  let underWay = 0;

  // Headers go on as they came: the signature covers Host, and Expect is the service's to answer.
  const forward: RequestListener = (request, response) => {
    const call = { ...targetOf(request), status: 0, up: 0, down: 0, headers: headSize(request) };
    const { method, url: path, rawHeaders: headers } = request;
    const upstream = httpRequest({ ...target, method, path, headers });
    underWay += 1;
    response.once('close', () => {
      upstream.destroy();
      calls.push(call);
      underWay -= 1;
    });
    upstream.on('error', () => response.destroy());
    upstream.on('continue', () => response.writeContinue());
    upstream.on('response', (answer) => {
      call.status = answer.statusCode ?? 0;
      call.headers += headSize(answer);
      answer.on('data', (chunk: Buffer) => (call.down += chunk.length));
      answer.on('error', () => response.destroy());
      response.writeHead(call.status, answer.statusMessage, answer.rawHeaders);
      answer.pipe(response);
    });
    request.on('data', (chunk: Buffer) => (call.up += chunk.length));
    request.pipe(upstream);
    upstream.flushHeaders();
  };

  const server = createServer({ requestTimeout: 0 }, forward).on('checkContinue', forward);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  closers.push(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async take() {
      await eventually('the end of all S3 calls', () => underWay === 0);
      const taken = calls;
      calls = [];
      return taken;
    },
  };
}

const closers: (() => Promise<void>)[] = [];

afterAll(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** The size of a head as HTTP/1.1 writes it. */
function headSize({ method, url, statusCode, statusMessage, rawHeaders }: IncomingMessage): number {
  const start = method ? `${method} ${url} HTTP/1.1` : `HTTP/1.1 ${statusCode} ${statusMessage}`;
  const lines = rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`));
  return Buffer.byteLength(`${start}\r\n${lines.join('')}\r\n`, 'latin1');
}

/** By path-style URL, method and query, as the S3 reference has them. */
function targetOf({ method = '', url = '', headers }: IncomingMessage): Pick<S3Call, 'operation' | 'key'> {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const [, key = ''] = /^\/[^/]+\/(.+)$/.exec(pathname) ?? [];
  const subject = SUBRESOURCES.find((name) => searchParams.has(name)) ?? (key ? 'object' : 'bucket');
  const copy = headers['x-amz-copy-source'] === undefined ? '' : ' copy';
  const operation = OPERATIONS[`${method} ${subject}${copy}`];
  if (operation === undefined) throw new Error(`no name for ${method} ${url}`);
  return { operation, key };
}

const SUBRESOURCES = ['list-type', 'delete', 'uploads', 'uploadId'];

const OPERATIONS: Readonly<Record<string, string>> = {
  'GET list-type': 'ListObjectsV2',
  'POST delete': 'DeleteObjects',
  'PUT object': 'PutObject',
  'GET object': 'GetObject',
  'HEAD object': 'HeadObject',
  'DELETE object': 'DeleteObject',
  'POST uploads': 'CreateMultipartUpload',
  'PUT uploadId': 'UploadPart',
  'PUT uploadId copy': 'UploadPartCopy',
  'GET uploadId': 'ListParts',
  'POST uploadId': 'CompleteMultipartUpload',
  'DELETE uploadId': 'AbortMultipartUpload',
};
