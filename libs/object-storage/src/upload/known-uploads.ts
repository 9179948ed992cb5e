import { type Lock, RecentMap } from '@nestjs-tus/core';
import { weightOf } from '../record/info-weight.js';
import type { Versioned } from '../record/record-store.js';
import type { UploadState } from './upload-state.js';

/** What is remembered at least, in small uploads; one with many parts or much metadata counts as several. */
const REMEMBERED = 10_000;
const PARTS_OF_ONE = 20;

/** The uploads that this node has worked on, the latest ones: a node that held the lock last need not ask the service. */
export class KnownUploads {
  private readonly states = new RecentMap<UploadState>(REMEMBERED);

  remember(id: string, state: UploadState): void {
    const { info, parts } = state.record;
    this.states.set(id, state, weightOf(info) + parts.length / PARTS_OF_ONE);
  }

  forget(id: string): void {
    this.states.delete(id);
  }

  /**
   * What is known, if no other node can have changed it since: the holder before was this node, and it let go by itself. A lock that was seized from this
   * very process may have an operation that still runs.
   */
  trusted(id: string, lock: Lock): UploadState | undefined {
    const state = this.states.get(id);
    const token = state?.lock?.token;
    if (!state || state.isStale || token === undefined || lock.seized) return undefined;
    return lock.previousToken === token ? state : undefined;
  }

  /** What was true once. */
  lastSeen(id: string): Versioned | undefined {
    const state = this.states.get(id);
    return state?.isStale ? undefined : state?.stored;
  }
}
