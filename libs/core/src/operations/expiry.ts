import type { Engine } from '../engine.js';
import { errors } from '../errors.js';
import { stateOf, type FileInfo } from '../file-info.js';
import type { StoreContext, Upload } from '../store/data-store.js';
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

/** Moves the expiry of an unfinished upload, which slides with activity. */
export async function postponeExpiry(
  engine: Engine,
  upload: Upload,
  info: FileInfo,
  context: StoreContext,
): Promise<FileInfo> {
  const expiresAt = nextExpiry(engine);
  if (!expiresAt || stateOf(info) === 'finished') return info;
  // A hook may have given this upload more time than activity does.
  if (info.expiresAt && info.expiresAt >= expiresAt) return info;
  await update(engine, upload, { expiresAt }, context);
  return { ...info, expiresAt };
}
