import type { Target } from '../assembly.js';
import type { RecordedSession, UploadRecord } from '../record/upload-record.js';
import { newOwner } from './own-object.js';
import type { Storage } from './storage.js';

/** Opens a session for the parts of an upload's object. No record names it yet. */
export async function openSession(
  { assembly }: Storage,
  { key, info }: UploadRecord,
  signal?: AbortSignal,
): Promise<RecordedSession> {
  const owner = newOwner(info);
  const handle = await assembly.begin(key, owner, signal);
  return { handle, attempt: owner.attempt };
}

export function targetOf({ key }: UploadRecord, { handle }: RecordedSession): Target {
  return { key, session: handle };
}
