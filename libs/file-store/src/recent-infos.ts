import { type Lock, RecentMap } from '@nestjs-tus/core';

/** Characters of infos that are remembered at least, and up to twice as many: clients decide how long their infos are. */
const REMEMBERED_CHARACTERS = 4 * 1024 * 1024;
/** What an entry costs besides its text. */
const ENTRY = 256;

interface RecentInfo {
  readonly text: string;
  /** Of the lock under which it was last read or written. */
  readonly token: string;
}

/**
 * The texts of infos that this process last saw under a lock. They are what the file says as long as nobody else has held the
 * lock since: the next holder is told the token of the holder before it.
 */
export class RecentInfos {
  private readonly infos = new RecentMap<RecentInfo>(REMEMBERED_CHARACTERS);

  /** The info as it was left under the previous lock, if that was ours. */
  recall(id: string, lock: Lock | undefined): string | undefined {
    const recent = this.infos.get(id);
    if (recent === undefined || lock?.previousToken === undefined || lock.seized) return undefined;
    // The same operation may ask twice: then it is its own lock that was the last.
    return recent.token === lock.previousToken || recent.token === lock.token ? recent.text : undefined;
  }

  remember(id: string, lock: Lock | undefined, text: string): void {
    if (lock?.token === undefined) this.infos.delete(id);
    else this.infos.set(id, { text, token: lock.token }, text.length + ENTRY);
  }

  forget(id: string): void {
    this.infos.delete(id);
  }
}
