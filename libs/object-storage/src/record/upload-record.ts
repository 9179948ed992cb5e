import { randomBytes } from 'node:crypto';
import { copyFileInfo, type FileInfo, hasAllBytes } from '@nestjs-tus/core';
import type { Part } from '../assembly.js';
import type { Json } from '../objects.js';

/** The session in which an upload's parts are stored, and the attempt that is kept with the object that they become. */
export interface RecordedSession {
  /** What the backend knows it by. */
  readonly handle: Json;
  readonly attempt: string;
}

/** A tail object: bytes that are too few for a part, or that memory had no room for. */
export interface Tail {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * All that is known of an upload, as its record in the storage says it. Nothing counts that is not here: the content is `parts`, then
 * `tails`, or, once `complete`, the object.
 */
export interface UploadRecord {
  readonly info: FileInfo;
  /** The object's key. */
  readonly key: string;
  /** True when a hook or a function chose the key: other uploads may have the same. */
  readonly keyIsChosen?: boolean;
  /** Names this version of the record: how a commit whose answer was lost is recognised. */
  readonly commit: string;
  /** True once the object is whole. */
  readonly complete: boolean;
  readonly session?: RecordedSession;
  readonly parts: readonly Part[];
  readonly tails: readonly Tail[];
  /** Keys of tail objects that count no more, and may be there still. */
  readonly garbage: readonly string[];
  /** True when there may be tail objects that nothing here names: a holder was cut off, or could not find out whether one was stored. */
  readonly untidy?: boolean;
  /** The first part number that was free when this was committed. */
  readonly nextNumber: number;
  /** The token of the lock whose holder had nothing under way when it committed this. */
  readonly idleToken?: string;
  /** What `session` is completed with, strays and all, to be copied without them; see upload/stray-parts.ts. */
  readonly sealed?: readonly Part[];
  /** When the upload was found lost or was given up: it is being removed, and no other holder may go on with it. */
  readonly lost?: string;
}

export function newRecord(
  info: FileInfo,
  { key, isChosen }: { key: string; isChosen: boolean },
): UploadRecord {
  return {
    info: { ...copyFileInfo(info), offset: 0 },
    key,
    ...(isChosen && { keyIsChosen: true }),
    commit: newCommit(),
    complete: false,
    parts: [],
    tails: [],
    garbage: [],
    nextNumber: 1,
  };
}

export function newCommit(): string {
  return randomBytes(8).toString('hex');
}

/** Bytes that are stored. */
export function offsetOf(record: UploadRecord): number {
  return record.complete ? record.info.size : sum(record.parts) + sum(record.tails);
}

/** The upload as the engine sees it. `location` is that of the storage. */
export function infoOf(record: UploadRecord, location: Readonly<Record<string, string>>): FileInfo {
  // A final upload has no content until it has all of it.
  const offset = record.info.isFinal && !record.complete ? 0 : offsetOf(record);
  const info: FileInfo = {
    ...record.info,
    offset,
    storage: { ...record.info.storage, ...location, key: record.key },
  };
  // All bytes without an object is not finished: the engine comes back with finishUpload.
  if (!record.complete && info.state === undefined && hasAllBytes(info)) info.state = 'receiving';
  return info;
}

export function sum(pieces: readonly { readonly size: number }[]): number {
  return pieces.reduce((total, { size }) => total + size, 0);
}
