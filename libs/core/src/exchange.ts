import type { IncomingMessage, ServerResponse } from 'node:http';
import { EarlyBody } from './body/early-body.js';
import type { RequestBody } from './body/request-body.js';
import type { WaitingPieces } from './body/waiting-pieces.js';
import { Deadline } from './deadline.js';
import type { Dialect } from './dialects/dialect.js';
import type { HttpError } from './errors.js';
import { isHost, readForwarded, withoutDefaultPort } from './headers/forwarded.js';
import { readConcat, type Collection, type Concat } from './headers/concat.js';
import { escapedId, sendableUrl } from './headers/sendable-url.js';
import type { TusOperation } from './operations/operation.js';

/** Where a request was routed to, as the framework in front knows it. */
export interface RequestRoute {
  /** From the path; undefined on the creation URL. */
  readonly uploadId?: string;
  /** Path of the creation URL as the client sees it, with a slash at the end: `/api/v1/files/`. */
  readonly collectionPath: string;
  /** The framework's own request: what hooks and events get. */
  readonly request?: unknown;
}

const MAX_REQUEST_ID = 36;

export interface ExchangeOptions {
  readonly respectForwardedHeaders: boolean;
  /** An absolute base URL with a slash at the end, if one is configured. */
  readonly publicBase?: string;
  /** Milliseconds in which the reader of a download may take nothing. */
  readonly networkTimeout: number;
  /** Milliseconds that the operation may take after its client is gone, or the shutdown began. */
  readonly gracefulTimeout: number;
}

/** One request and its response on their way through the engine. */
export class Exchange {
  /** The body, while a store is reading it. */
  body: RequestBody | undefined;
  /** Set once the response is written or being written. */
  isAnswered = false;
  /** Why this request has to end, once somebody wants it to. */
  stopReason: HttpError | undefined;
  /** When the operation must be over. It counts from when the client is gone, or the shutdown began. */
  readonly deadline: Deadline;
  /** Called by `stop`, while the request waits for something. */
  onStop: (() => void) | undefined;
  private early: EarlyBody | undefined;
  private concatOnceRead: (() => Concat | undefined) | undefined;

  constructor(
    readonly req: IncomingMessage,
    readonly res: ServerResponse,
    readonly route: RequestRoute,
    /** After X-HTTP-Method-Override. */
    readonly method: string,
    public dialect: Dialect,
    public operation: TusOperation,
    private readonly options: ExchangeOptions,
  ) {
    this.deadline = new Deadline(options.gracefulTimeout);
  }

  /** Ends the reading of the body, now or when it begins, and any waiting. The operation goes on with what arrived. */
  stop(reason: HttpError): void {
    this.stopReason ??= reason;
    this.body?.stop(this.stopReason);
    this.onStop?.();
  }

  /** True when nobody is there any more to be answered. */
  get isGone(): boolean {
    return this.res.destroyed || isEndedStream(this.res);
  }

  /** Milliseconds in which the client may send or take nothing. */
  get networkTimeout(): number {
    return this.options.networkTimeout;
  }

  /** Goes on in another protocol, for a request that did not say which one it speaks. */
  speak(dialect: Dialect): void {
    this.dialect = dialect;
    this.operation = { ...this.operation, protocol: dialect.protocol };
  }

  /** True when the request says that a body comes with it. */
  get hasBody(): boolean {
    const { headers } = this.req;
    const length = headers['content-length'];
    if (length === undefined && isOpenStream(this.req)) return true;
    return headers['transfer-encoding'] !== undefined || (length ?? '0') !== '0';
  }

  /**
   * From now on keeps what the client sends of a body of unknown length, since the request has to wait before it may store anything. Does nothing
   * for a body that something else has read, and for one whose length is known: its pieces are what came in one packet.
   */
  keepEarlyBody(): void {
    const { headers, readableDidRead } = this.req;
    if (
      this.early ||
      this.body ||
      readableDidRead ||
      headers['content-length'] !== undefined ||
      !this.hasBody
    )
      return;
    this.early = new EarlyBody(this.req);
  }

  /** True while what the client sends is kept. */
  get keepsEarlyBody(): boolean {
    return this.early !== undefined;
  }

  /** Ends that. @returns what was kept; undefined when nothing was */
  takeEarlyBody(): WaitingPieces | undefined {
    const { early } = this;
    this.early = undefined;
    return early?.release();
  }

  /** The X-Request-ID that the client or a proxy gave the request, for the log: at most 36 characters, a UUID. */
  get requestId(): string | undefined {
    const id = this.req.headers['x-request-id'];
    return typeof id === 'string' && id !== '' ? id.slice(0, MAX_REQUEST_ID) : undefined;
  }

  /** What the log says with everything that concerns this request, as keys and values in turn. */
  get logDetails(): string[] {
    const { requestId, route } = this;
    return [
      ...(route.uploadId === undefined ? [] : ['id', route.uploadId]),
      ...(requestId === undefined ? [] : ['requestId', requestId]),
    ];
  }

  /** The URL of an upload for a client: absolute where the request tells our host, a path otherwise. */
  urlOf(uploadId: string): string {
    const base = this.options.publicBase ?? `${this.origin}${this.prefix}${this.route.collectionPath}`;
    return sendableUrl(`${base}${escapedId(uploadId)}`);
  }

  /**
   * What Upload-Concat asks for; undefined without the header. It is read once, so that a guard is asked about the very uploads that the
   * engine joins.
   *
   * @throws HttpError `ERR_INVALID_CONCAT` (400)
   */
  get concat(): Concat | undefined {
    this.concatOnceRead ??= onceRead(() => {
      const header = this.req.headers['upload-concat'];
      return header === undefined ? undefined : readConcat(String(header), this.collection);
    });
    return this.concatOnceRead();
  }

  /** Where the members of a final upload must lie. */
  private get collection(): Collection {
    const hosts = [hostOf(this.req), this.forwarded.host].flatMap((host) =>
      host ? [host.toLowerCase()] : [],
    );
    const base = `${this.origin}${this.prefix}${this.route.collectionPath}`;
    const { publicBase } = this.options;
    return {
      path: this.route.collectionPath,
      hosts,
      bases: publicBase
        ? [publicBase, base]
        : [base, ...(this.prefix ? [`${this.prefix}${this.route.collectionPath}`] : [])],
    };
  }

  private get origin(): string {
    const forwarded = this.forwarded;
    const proto =
      forwarded.proto ?? ('encrypted' in this.req.socket && this.req.socket.encrypted ? 'https' : 'http');
    const host = forwarded.host ?? hostOf(this.req);
    // Without a believable host, a path is a Location too (RFC 9110, 10.2.2).
    return isHost(host) ? `${proto}://${withoutDefaultPort(host, proto)}` : '';
  }

  private get prefix(): string {
    return this.forwarded.prefix ?? '';
  }

  private get forwarded(): ReturnType<typeof readForwarded> {
    return this.options.respectForwardedHeaders ? readForwarded(this.req.headers) : {};
  }
}

/** Reads now. @returns what gives the result, or throws the error, as often as it is asked */
function onceRead<T>(read: () => T): () => T {
  try {
    const value = read();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** HTTP/2 needs neither field for a body: its headers say that nothing follows, or something does. */
function isOpenStream(req: object): boolean {
  if (!('stream' in req) || typeof req.stream !== 'object' || req.stream === null) return false;
  return 'endAfterHeaders' in req.stream && req.stream.endAfterHeaders === false;
}

/** A response of HTTP/2 is no stream itself. */
function isEndedStream(res: object): boolean {
  if (!('stream' in res) || typeof res.stream !== 'object' || res.stream === null) return false;
  return 'destroyed' in res.stream && res.stream.destroyed === true;
}

/** The host that a client asks for: HTTP/2 has a pseudo-header for it, which Node's types of a request don't know. */
function hostOf({ headers }: IncomingMessage): string | undefined {
  const authority = headers[':authority'];
  return typeof authority === 'string' ? authority : headers.host;
}
