import { ProgressTicker } from '../body/progress-ticker.js';
import { RequestBody } from '../body/request-body.js';
import { tooLong } from '../body/too-long.js';
import { startVerification } from '../body/verification.js';
import type { Engine } from '../engine.js';
import { errors, type HttpError } from '../errors.js';
import type { Exchange } from '../exchange.js';
import type { FileInfo } from '../file-info.js';
import type { Lock } from '../lock/locker.js';
import type { Upload } from '../store/data-store.js';
import { offerExpiry } from './expiry.js';
import type { IncomingContent } from './operation.js';
import type { OperationScope } from './under-lock.js';

/** What became of a request's body. */
export interface Received {
  /** With the offset after it. */
  readonly info: FileInfo;
  /** Why less was stored than was sent, if so. */
  readonly failure?: HttpError;
}

/** What else a request's body goes through. */
export interface BodyTerms {
  /** Bytes that this request may bring, whatever the upload has room for. */
  readonly limit?: { readonly bytes: number; exceeded(): HttpError };
  readonly inspect?: (chunk: Buffer) => void;
}

/** Bytes that an upload may still take: to its length, or to the largest size while that is not known. */
export function roomOf(engine: Engine, info: FileInfo): number {
  if (!info.sizeIsDeferred) return info.size - info.offset;
  const max = maxSizeOf(engine, info);
  return max > 0 ? max - info.offset : Number.MAX_SAFE_INTEGER;
}

/** The largest size of an upload in bytes; 0: no limit. */
export function maxSizeOf(engine: Engine, info: Pick<FileInfo, 'maxSize'>): number {
  const limits = [engine.config.maxSize, info.maxSize ?? 0].filter((limit) => limit > 0);
  return limits.length > 0 ? Math.min(...limits) : 0;
}

/**
 * Stores the body of a request at the end of an upload, under its lock. What arrived counts, also when the connection broke
 * or somebody else wants the upload; with a checksum all of it counts, or nothing.
 *
 * @throws HttpError when storing failed, or the checksum does not fit
 */
export async function receive(
  engine: Engine,
  exchange: Exchange,
  upload: Upload,
  info: FileInfo,
  content: IncomingContent,
  scope: OperationScope,
  terms: BodyTerms = {},
): Promise<Received> {
  const room = roomOf(engine, info);
  if (content.length !== undefined && content.length > room) throw tooLongFor(info);
  failIfConsumed(exchange);
  if (!exchange.hasBody && !content.checksum) return { info };
  const { verifier } = engine.composer;
  const verification = content.checksum && verifier && startVerification(content.checksum, exchange.req);
  const inspect = bothOf(verification?.inspect, terms.inspect);
  const body = openBody(engine, exchange, info, room, { inspect, limit: terms.limit });
  const progress = tickProgress(engine, exchange, info, body);
  // A store that does not end is left alone then; nothing may go on for it.
  const end = () => progress?.stop();
  scope.signal.addEventListener('abort', end, { once: true });
  offerExpiry(engine, info, scope);
  let stored = 0;
  try {
    stored = verification
      ? await verifier
          .asVerifiableUpload(upload)
          .writeVerifiedChunk(info.offset, body, async () => verification.verify(body), scope)
      : await upload.writeChunk(info.offset, body, scope);
  } catch (error) {
    engine.metrics.bytesReceived += bytesWrittenBefore(error);
    // A body that was cut cannot be verified: nothing of it is stored, and what cut it is the answer.
    if (body.failure && error === body.failure) return { info, failure: body.failure };
    body.stop(errors.storageUnavailable());
    throw error;
  } finally {
    exchange.body = undefined;
    scope.expiry = undefined;
    scope.signal.removeEventListener('abort', end);
    progress?.stop();
  }
  if (scope.lock?.isHeld) await failIfLost(scope.lock);
  engine.metrics.bytesReceived += stored;
  const failure = body.failure ?? (stored < body.bytesRead ? errors.storageUnavailable() : undefined);
  if (!body.failure && failure) body.stop(failure);
  return { info: { ...info, offset: info.offset + stored }, failure };
}

/**
 * A process that was paused, and whose lock was taken meanwhile, has written where nobody looks: acknowledging that, or
 * finishing the upload with it, would be a lie. Its `lost` signal may come only after the bytes that were waiting for it.
 * @throws HttpError `ERR_LOCK_LOST` (503)
 */
async function failIfLost(lock: Lock): Promise<void> {
  if (!(await lock.isHeld?.())) throw errors.lockLost();
}

/**
 * Makes sure that a body of unknown length is empty.
 * @throws HttpError `ERR_UPLOAD_SIZE_EXCEEDED` (413)
 */
export async function expectNothing(
  engine: Engine,
  exchange: Exchange,
  info: FileInfo,
  { length }: IncomingContent,
): Promise<void> {
  if (length !== undefined && length > 0) throw errors.sizeExceeded();
  if (!exchange.hasBody) return;
  const body = openBody(engine, exchange, info, 0);
  try {
    for await (const chunk of body) void chunk;
  } finally {
    exchange.body = undefined;
  }
  if (body.failure) throw body.failure;
}

function openBody(
  engine: Engine,
  exchange: Exchange,
  info: FileInfo,
  room: number,
  { limit, inspect }: BodyTerms = {},
): RequestBody {
  const isLimited = limit !== undefined && limit.bytes < room;
  const body = new RequestBody(exchange.req, exchange.res, {
    limit: isLimited ? limit.bytes : room,
    tooLong: () => (isLimited ? tooLong(limit.exceeded()) : tooLongFor(info)),
    idleTimeout: engine.config.networkTimeout,
    takeEarly: () => exchange.takeEarlyBody(),
    inspect,
  });
  exchange.body = body;
  if (exchange.stopReason) body.stop(exchange.stopReason);
  return body;
}

type Inspect = NonNullable<BodyTerms['inspect']>;

function bothOf(first: Inspect | undefined, second: Inspect | undefined): Inspect | undefined {
  if (!first || !second) return first ?? second;
  return (chunk) => {
    first(chunk);
    second(chunk);
  };
}

function tooLongFor(info: FileInfo): HttpError {
  return tooLong(info.sizeIsDeferred ? errors.maxSizeExceeded() : errors.sizeExceeded());
}

/** Something in front that read the body would leave an empty upload behind, silently. */
export function failIfConsumed({ req, hasBody, keepsEarlyBody }: Exchange): void {
  if (hasBody && req.readableDidRead && !keepsEarlyBody)
    throw errors.bodyConsumed(new Error('a body parser ran before the upload handler'));
}

function tickProgress(
  engine: Engine,
  exchange: Exchange,
  info: FileInfo,
  body: RequestBody,
): ProgressTicker | undefined {
  if (!engine.notifies('progress')) return undefined;
  return new ProgressTicker(
    engine.config.uploadProgressInterval,
    () => body.bytesRead,
    (received) => engine.notify('progress', exchange, { ...info, offset: info.offset + received }),
  );
}

function bytesWrittenBefore(error: unknown): number {
  const known = error instanceof Error && 'bytesWritten' in error && typeof error.bytesWritten === 'number';
  return known ? (error.bytesWritten as number) : 0;
}
