import type { Engine } from '../engine.js';
import { errors } from '../errors.js';
import { stateOf, type FileInfo } from '../file-info.js';
import type { Upload } from '../store/data-store.js';
import type { OperationScope } from './under-lock.js';
import { update } from './update.js';

/** True for an upload whose time is over. A finished one has none. */
export function isExpired(info: FileInfo, now = Date.now()): boolean {
  return info.expiresAt !== undefined && info.expiresAt.getTime() <= now && stateOf(info) !== 'finished';
}

/** @throws HttpError `ERR_UPLOAD_EXPIRED` (410) */
export function failIfExpired(info: FileInfo): void {
  if (isExpired(info)) throw errors.uploadExpired();
}

/** When an upload with activity now expires; undefined when uploads do not expire. */
export function nextExpiry(engine: Engine): Date | undefined {
  const { after } = engine.config.expiration;
  return after > 0 && engine.composer.usesUpdater ? new Date(Date.now() + after) : undefined;
}

/** Lets the store move the expiry of an upload together with the bytes that it stores. */
export function offerExpiry(engine: Engine, info: FileInfo, scope: OperationScope): void {
  scope.expiry = () => (scope.storedExpiry = postponed(engine, info));
}

/** Moves the expiry of an unfinished upload, which slides with activity, unless the store has done that with the bytes. */
export async function postponeExpiry(
  engine: Engine,
  upload: Upload,
  info: FileInfo,
  scope: OperationScope,
): Promise<FileInfo> {
  if (stateOf(info) === 'finished') return info;
  if (scope.storedExpiry) return { ...info, expiresAt: scope.storedExpiry };
  const expiresAt = postponed(engine, info);
  if (!expiresAt) return info;
  await update(engine, upload, { expiresAt }, scope);
  return { ...info, expiresAt };
}

/** Undefined: it stays as it is. A hook may have given this upload more time than activity does. */
function postponed(engine: Engine, { expiresAt }: FileInfo): Date | undefined {
  const next = nextExpiry(engine);
  return next && expiresAt && expiresAt >= next ? undefined : next;
}
