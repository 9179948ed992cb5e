import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a call to the service. */
export type Fault =
  /** The service never sees it; the client gets this. */
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** The service does it; the client gets this all the same. */
  | { readonly kind: 'answer-instead'; readonly answer: Answer }
  /** The service does it; the connection breaks after so many bytes of its answer's body; 0: before the answer. */
  | { readonly kind: 'cut'; readonly after: number }
  /** Nothing more comes after so many bytes of its answer's body. */
  | { readonly kind: 'stall'; readonly after: number }
  /** The service never sees it, and nobody answers. */
  | { readonly kind: 'hang' }
  /** The service does it, and nobody answers. */
  | { readonly kind: 'answer-hangs' };

export interface Answer {
  readonly status: number;
  readonly body?: string;
  /** Of the body that is announced; the connection ends after what there is. */
  readonly length?: number;
}

export interface S3Call {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
}

/** Stands between an S3 client and the service, and makes calls fail as a service or a proxy in front of it would. */
export interface FaultProxy {
  readonly endpoint: string;
  /** Says for each call what becomes of it; nothing: it goes through. */
  fault(rule: (call: S3Call) => Fault | undefined): void;
  leaveAlone(): void;
  /** Answers of the service that are being passed on now. */
  passing(): number;
}

/** An error as S3 tells it. */
export function s3Error(status: number, code: string): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>injected</Message></Error>`;
  return { status, body };
}

/** Starts a proxy to a service. It is closed after the tests of this file. */
export async function startFaultProxy(service: string): Promise<FaultProxy> {
  let rule: (call: S3Call) => Fault | undefined = () => undefined;
  const passing = new Set<IncomingMessage>();
  const server = createServer((req, res) => {
    const fault = rule({ method: req.method ?? '', url: req.url ?? '' });
    if (fault?.kind === 'answer') {
      req.resume().on('end', () => give(res, fault.answer));
      return;
    }
    if (fault?.kind === 'hang') return void req.resume();
    const { hostname, port } = new URL(service);
    // The host is signed: the headers go on as they are.
    const onward = httpRequest({ hostname, port, method: req.method, path: req.url, headers: req.headers });
    onward.on('error', () => res.destroy());
    onward.on('response', (answer) => pass(answer, res, fault));
    res.on('close', () => onward.destroy());
    req.pipe(onward);
  });

  function pass(answer: IncomingMessage, res: ServerResponse, fault: Fault | undefined): void {
    if (fault?.kind === 'answer-instead') {
      answer.resume().on('end', () => give(res, fault.answer));
      return;
    }
    if (fault?.kind === 'answer-hangs') return void answer.resume();
    if (fault?.kind === 'cut' && fault.after === 0) {
      answer.resume().on('end', () => res.destroy());
      return;
    }
    passing.add(answer);
    answer.once('close', () => passing.delete(answer));
    res.writeHead(answer.statusCode ?? 500, answer.headers);
    let left = fault?.kind === 'cut' || fault?.kind === 'stall' ? fault.after : Infinity;
    answer.on('error', () => res.destroy());
    answer.on('data', (chunk: Buffer) => {
      const goesOn = res.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0 && fault?.kind === 'cut') res.socket?.resetAndDestroy();
      if (!goesOn || left <= 0) answer.pause();
    });
    res.on('drain', () => left > 0 && answer.resume());
    answer.on('end', () => res.end());
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: (given) => void (rule = given),
    leaveAlone: () => void (rule = () => undefined),
    passing: () => passing.size,
  };
}

function give(res: ServerResponse, { status, body = '', length }: Answer): void {
  const isHead = res.req.method === 'HEAD';
  res.writeHead(status, {
    'Content-Type': body.startsWith('<html') ? 'text/html' : 'application/xml',
    'Content-Length': isHead ? 0 : (length ?? Buffer.byteLength(body)),
  });
  if (length === undefined) res.end(isHead ? '' : body);
  else res.write(body, () => res.socket?.end());
}

const servers: ReturnType<typeof createServer>[] = [];

afterAll(async () => {
  for (const server of servers.splice(0)) {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
});
