import type { StoreContext } from '@nestjs-tus/core';
import type { Part, Target } from '../assembly.js';
import type { Content, Json } from '../objects.js';
import { SessionGone } from '../problems.js';
import { type RecordedSession, sum } from '../record/upload-record.js';
import { LostContent } from './lost-content.js';
import type { PartUnderWay, Progress } from './progress.js';
import { openSession, targetOf } from './sessions.js';
import type { Storage } from './storage.js';
import { leaveOutStrays, renumber } from './stray-parts.js';
import type { UploadState } from './upload-state.js';

/** Where a part goes. */
export interface PlaceOfPart {
  readonly target: Target;
  readonly number: number;
}

/** The parts of an upload while bytes are added to it: those that counted before, and those that were added, each perhaps on its way. */
export class PartsUnderWay {
  /** In the order of their numbers. */
  readonly added: PartUnderWay[] = [];
  private countedBefore: readonly Part[];
  private recorded: RecordedSession | undefined;

  constructor(
    private readonly storage: Storage,
    private readonly state: UploadState,
    private readonly context: StoreContext,
  ) {
    this.countedBefore = state.record.parts;
    this.recorded = state.record.session;
  }

  get before(): readonly Part[] {
    return this.countedBefore;
  }

  get session(): RecordedSession | undefined {
    return this.recorded;
  }

  /** Bytes, with those on their way. */
  get size(): number {
    return sum(this.countedBefore) + sum(this.added);
  }

  get first(): { readonly size: number } | undefined {
    return this.countedBefore[0] ?? this.added[0];
  }

  /** Waits until fewer than `most` are on their way, or `isStopped`. */
  async haveRoom(most: number, isStopped: () => boolean): Promise<void> {
    for (let onTheirWay = this.onTheirWay; onTheirWay.length >= most; onTheirWay = this.onTheirWay) {
      await Promise.race(onTheirWay.map(({ landed }) => landed));
      if (isStopped()) return;
    }
  }

  /** A place for one more part; commits `progress` when there is no free number. */
  async place(progress: () => Progress): Promise<PlaceOfPart> {
    if (this.added.length === 0) await this.renew();
    const session = await this.ownSession();
    const number = await this.state.takeNumber(progress, this.context);
    return { target: targetOf(this.state.record, session), number };
  }

  /** @throws LostContent when the session is over */
  async store({ target, number }: PlaceOfPart, content: Content): Promise<Json> {
    try {
      return await this.storage.assembly.store(target, number, content, this.context.signal);
    } catch (error) {
      if (!(error instanceof SessionGone)) throw error;
      throw new LostContent(`the parts of ${target.key} are gone`, { cause: error });
    }
  }

  /** Forgets the parts that were added, when their session is not the one in the record. */
  async discardNewSession(): Promise<void> {
    const { record } = this.state;
    const { recorded } = this;
    if (!recorded || recorded.attempt === record.session?.attempt) return;
    const stored = this.added.flatMap(({ number, size, piece }) =>
      piece === undefined ? [] : [{ number, size, piece }],
    );
    await this.storage.assembly.discard(targetOf(record, recorded), stored);
  }

  private get onTheirWay(): PartUnderWay[] {
    return this.added.filter(({ piece }) => piece === undefined);
  }

  /** Brings the session into a state that takes more parts: one that is being copied, or has hardly a number left, does not. */
  private async renew(): Promise<void> {
    const { storage, state, context } = this;
    if (state.record.sealed) await leaveOutStrays(storage, state, context);
    else if (state.isShortOfNumbers) await renumber(storage, state, context);
    else return;
    this.countedBefore = state.record.parts;
    this.recorded = state.record.session;
  }

  private async ownSession(): Promise<RecordedSession> {
    if (this.recorded) return this.recorded;
    const opened = await openSession(this.storage, this.state.record, this.context.signal);
    this.state.numberAnew();
    return (this.recorded = opened);
  }
}
