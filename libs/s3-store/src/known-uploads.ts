import type { Lock } from '@nestjs-tus/core';
import type { Versioned } from './record-store.js';
import type { UploadState } from './upload-state.js';

/** What is remembered, in uploads; one with many parts counts as several. */
const MAX_WEIGHT = 20_000;
const PARTS_OF_ONE = 20;

/** The uploads that this node has worked on, the latest ones: a node that held the lock last need not ask the bucket. */
export class KnownUploads {
  private readonly states = new Map<string, { state: UploadState; weight: number }>();
  private weight = 0;

  remember(id: string, state: UploadState): void {
    this.forget(id);
    const weight = 1 + state.record.parts.length / PARTS_OF_ONE;
    this.states.set(id, { state, weight });
    this.weight += weight;
    for (const oldest of this.states.keys()) {
      if (this.weight <= MAX_WEIGHT) return;
      this.forget(oldest);
    }
  }

  forget(id: string): void {
    this.weight -= this.states.get(id)?.weight ?? 0;
    this.states.delete(id);
  }

  /**
   * What is known, if nobody can have changed it since: the holder before was this node, and it let go by itself. A lock that was seized from this
   * very process may have an operation that still runs.
   */
  trusted(id: string, lock: Lock): UploadState | undefined {
    const state = this.states.get(id)?.state;
    const token = state?.lock?.token;
    if (!state || state.isStale || token === undefined || lock.seized) return undefined;
    return lock.previousToken === token ? state : undefined;
  }

  /** What was true once. */
  lastSeen(id: string): Versioned | undefined {
    const state = this.states.get(id)?.state;
    return state?.isStale ? undefined : state?.stored;
  }
}
