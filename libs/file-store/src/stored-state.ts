import type { StoreContext } from '@nestjs-tus/core';
import { errors } from '@nestjs-tus/core';
import { bootId } from './boot-id.js';
import { fdatasync, rename, statIfThere, withFile } from './files.js';
import { isClosed, type StoredInfo } from './info-record.js';
import { assertHeld, type UploadFolder } from './upload-folder.js';
import type { UploadNames } from './upload-names.js';

/** An upload as its two files are at one instant. */
export interface StoredState {
  readonly stored: StoredInfo;
  /** Bytes in the data file. */
  readonly size: number;
  /** Bytes that count: verified, and lasting as long as is promised. */
  readonly offset: number;
  /** The data file has the name that it has after the loss of a lock. */
  readonly isSeized: boolean;
}

interface Content {
  readonly size: number;
  readonly isSeized: boolean;
}

/** Finds the data file. @throws HttpError `ERR_UPLOAD_NOT_FOUND` */
export async function findContent(names: UploadNames): Promise<Content> {
  const content = await contentIfThere(names);
  if (!content) throw errors.notFound();
  return content;
}

async function contentIfThere(names: UploadNames): Promise<Content | undefined> {
  const data = await statIfThere(names.data);
  if (data?.isFile()) return { size: data.size, isSeized: false };
  const seized = await statIfThere(names.seized);
  return seized?.isFile() ? { size: seized.size, isSeized: true } : undefined;
}

/** The state of an upload that is closed. A finished one has all its bytes, whatever became of them since. */
async function closedState(names: UploadNames, stored: StoredInfo): Promise<StoredState> {
  const { state, size } = stored.info;
  if (state === 'finished') return { stored, size, offset: size, isSeized: false };
  const content = (await contentIfThere(names)) ?? { size: 0, isSeized: false };
  return { stored, ...content, offset: Math.min(content.size, size) };
}

/**
 * Reads the state without a lock. A chunk that is being verified must not be taken for a verified one: its mark was set
 * before its first byte, so that bytes seen between two equal infos without a mark are verified.
 */
export async function readUnlocked(
  folder: UploadFolder,
  names: UploadNames,
  earlier: StoredInfo,
): Promise<StoredState> {
  if (isClosed(earlier)) return closedState(names, earlier);
  const content = await contentIfThere(names);
  const stored = await folder.readInfo(earlier.info.id);
  if (isClosed(stored)) return closedState(names, stored);
  if (!content) throw errors.notFound();
  if (stored.marks.revision !== earlier.marks.revision) return readUnlocked(folder, names, stored);
  failIfShorter(stored, content.size);
  const { syncedOffset = content.size } = stored.marks;
  const lasting = folder.survivesPowerLoss ? syncedOffset : await lastingOffset(stored, content.size);
  return notTooLong({ stored, ...content, offset: Math.min(lasting, verifiedOffset(stored, content.size)) });
}

/**
 * Reads the state under the upload's lock. Under a lock that was taken from somebody who may still write, the data file
 * gets another name first, unless all bytes are there: then they have nothing left to write.
 */
export async function readLocked(
  folder: UploadFolder,
  names: UploadNames,
  stored: StoredInfo,
  context: StoreContext,
): Promise<StoredState> {
  if (isClosed(stored)) return closedState(names, stored);
  let { size, isSeized } = await findContent(names);
  failIfShorter(stored, size);
  const offset = Math.min(await lastingOffset(stored, size), verifiedOffset(stored, size));
  const shouldBeSeized = !isWhole({ stored, offset }) && (isSeized || context.lock?.seized === true);
  if (isSeized !== shouldBeSeized) {
    await assertHeld(context);
    await (isSeized ? rename(names.seized, names.data) : rename(names.data, names.seized));
    await folder.syncNames(names.data);
    isSeized = shouldBeSeized;
    // They may have written until now.
    ({ size } = await findContent(names));
  }
  return notTooLong({
    stored,
    size,
    offset: Math.min(await lastingOffset(stored, size), verifiedOffset(stored, size)),
    isSeized,
  });
}

/**
 * We never write beyond an upload's length. Something else has written into the file, so that nobody knows which of its bytes are the
 * client's: an upload that was cut to its length would be finished with a content that its client did not send.
 * @throws HttpError `ERR_UPLOAD_DAMAGED`
 */
function notTooLong(state: StoredState): StoredState {
  const { id, size, sizeIsDeferred } = state.stored.info;
  if (sizeIsDeferred || state.offset <= size) return state;
  throw errors.uploadDamaged(
    new Error(`the data of ${id} are ${state.offset} bytes, and its length is ${size}`),
  );
}

/** True when all bytes of an upload of known length are there, and count. */
export function isWhole({ stored: { info }, offset }: Pick<StoredState, 'stored' | 'offset'>): boolean {
  return !info.sizeIsDeferred && offset === info.size;
}

/**
 * The IETF draft wants an upload that has lost bytes to be given up (ST2): its client never sends again what it was told is stored.
 * @throws HttpError `ERR_UPLOAD_NOT_FOUND`
 */
function failIfShorter({ info, marks }: StoredInfo, size: number): void {
  const { toldOffset = 0 } = marks;
  if (size < toldOffset)
    throw errors.notFound(new Error(`the data of ${info.id} are ${size} bytes, and were ${toldOffset}`));
}

/** True when bytes are there that no sync is known of: those of a process that was killed, or another server's. */
export function isUnsynced({ stored: { marks }, offset }: StoredState): boolean {
  return marks.syncedOffset === undefined || marks.syncedOffset < offset;
}

/** Makes the bytes that count survive a loss of power. */
export async function syncContent(names: UploadNames, { isSeized }: StoredState): Promise<void> {
  await withFile(isSeized ? names.seized : names.data, 'r', fdatasync);
}

function verifiedOffset({ marks }: StoredInfo, size: number): number {
  return Math.min(size, marks.unverifiedFrom ?? size);
}

/** After a reboot, bytes beyond those that were synced may be zeros. */
async function lastingOffset({ marks }: StoredInfo, size: number): Promise<number> {
  if (marks.syncedOffset === undefined || marks.syncedOffset >= size) return size;
  return marks.bootId === (await bootId()) ? size : marks.syncedOffset;
}
