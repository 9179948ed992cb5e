import type { Readable } from 'node:stream';
import type { StoreContext } from '@nestjs-tus/core';
import { arriving } from '../memory/arriving.js';
import type { Spiller } from '../memory/buffer-budget.js';
import { ChunkBuffer } from '../memory/chunk-buffer.js';
import { sum } from '../record/upload-record.js';
import { LARGEST_BUFFER, MAX_TAILS } from './limits.js';
import { putWhole } from './own-object.js';
import { mayCutShort, mostAtOnce, nextPartSize, type PartPosition } from './part-size.js';
import { PartsUnderWay } from './parts-under-way.js';
import { isNews, type PartUnderWay, type Progress, progressOf } from './progress.js';
import type { Storage } from './storage.js';
import { contentOf, storedTail, type TailUnderWay } from './tails.js';
import type { UploadState } from './upload-state.js';

/**
 * Adds bytes to an upload: full parts go up concurrently, what is left becomes a tail object, and the record names what is there. A part
 * counts only when all before it do. Nothing counts before a commit, and nothing that counted is removed before what replaces it does.
 */
export class Appending implements Spiller {
  lastArrival = performance.now();
  /** Bytes that came. */
  received = 0;
  /** Why storing stopped; undefined while all is well. */
  failure: unknown;

  private readonly buffer = new ChunkBuffer();
  private readonly parts: PartsUnderWay;
  /** Keys of all tail objects that counted before or were written here. */
  private readonly tailKeys: Set<string>;
  private tails: TailUnderWay[];
  private isWhole = false;
  private source: Readable | undefined;

  /** @param counts what is stored counts at once; otherwise only at the end (checksums) */
  constructor(
    private readonly storage: Storage,
    private readonly state: UploadState,
    private readonly context: StoreContext,
    private readonly counts: boolean,
  ) {
    const { tails } = state.record;
    this.parts = new PartsUnderWay(storage, state, context);
    this.tailKeys = new Set(tails.map(({ key }) => key));
    this.tails = tails.map(storedTail);
  }

  /** Reads a source until it ends or breaks, or storing fails. True when it ended. */
  async read(source: Readable): Promise<boolean> {
    this.source = source;
    this.storage.budget.join(this);
    try {
      let isWhole = true;
      for await (const chunk of arriving(source, () => (isWhole = false))) {
        this.take(chunk);
        await this.sendFullParts();
        await this.storage.budget.room();
        if (this.isStopped) return false;
      }
      return isWhole;
    } catch (error) {
      this.fail(error);
      return false;
    } finally {
      this.storage.budget.part(this);
    }
  }

  /** Stores what is in memory still: as the last part or the whole object when the upload has all its bytes now. */
  async flush(): Promise<void> {
    if (this.isStopped) return;
    try {
      await this.sendRest();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Waits for all that is on its way, and gives back the memory of what stays. */
  async rest(): Promise<void> {
    await Promise.all([...this.parts.added, ...this.tails].map(({ landed }) => landed));
    // A tail object whose call failed may be there, or come late.
    if (this.failure !== undefined || this.context.signal?.aborted) this.state.expectStrays();
    this.storage.budget.drop(this.buffer.length);
    this.buffer.take(this.buffer.length);
  }

  /** Makes all that is stored count. Nothing is on its way any more. */
  async commit(): Promise<void> {
    const changes = this.progress();
    if (this.state.version !== undefined && !this.isWhole && !isNews(this.state.record, changes)) return;
    const { info } = this.state.record;
    const expiresAt = this.isWhole ? undefined : this.context.expiry?.();
    const moved = expiresAt && { info: { ...info, expiresAt } };
    await this.state.commitAtRest({ ...changes, ...moved, complete: this.isWhole }, this.context);
  }

  /** Forgets what was stored here: it never counted. */
  async takeBack(): Promise<void> {
    const counted = new Set(this.state.record.tails.map(({ key }) => key));
    const written = [...this.tailKeys].filter((key) => !counted.has(key));
    await Promise.all(written.map((key) => this.storage.objects.remove(key)));
    await this.parts.discardNewSession();
  }

  get buffered(): number {
    return Math.min(this.buffer.length, Math.max(this.partSize() - sum(this.tails), 0));
  }

  spill(): void {
    const size = this.buffered;
    // A part could take no more of the tail: it is about to be sent.
    if (size === 0) return;
    const bytes = this.takeBuffered(size);
    const covers = this.tails.length >= MAX_TAILS ? this.tails : [];
    const content = contentOf(covers, bytes, this.storage.objects);
    const key = this.storage.keys.newTail(this.state.record.info.id);
    this.tailKeys.add(key);
    const { signal } = this.context;
    const tail: TailUnderWay = {
      key,
      size: sum(covers) + size,
      covers,
      isStored: false,
      landed: this.send(covers, bytes.length, async () => {
        await this.storage.objects.put(key, content, { signal });
        tail.isStored = true;
      }),
    };
    this.tails = covers.length > 0 ? [tail] : [...this.tails, tail];
  }

  private take(chunk: Uint8Array): void {
    this.lastArrival = performance.now();
    this.received += chunk.length;
    this.buffer.append(chunk);
    this.storage.budget.arrive(chunk.length);
  }

  private async sendFullParts(): Promise<void> {
    if (this.isSmall) {
      if (this.buffer.length >= LARGEST_BUFFER) this.spill();
      return;
    }
    for (let size = this.partSize(); this.pending >= size && !this.isStopped; size = this.partSize()) {
      await this.sendPart(size);
    }
    if (this.buffer.length >= LARGEST_BUFFER) this.spill();
  }

  private async sendRest(): Promise<void> {
    const { length } = this;
    const hasAll = length !== undefined && this.end === length;
    if (hasAll && this.isSmall && this.parts.added.length === 0) return this.sendWhole();
    if (hasAll && this.pending > 0) return this.sendPart(this.pending);
    if (this.buffer.length === 0) return;
    if (!this.isSmall && mayCutShort(this.storage.sizing, this.position(), this.pending)) {
      return this.sendPart(this.pending);
    }
    this.spill();
  }

  /** As the object itself, or, if there is one already, as the only part: the parts decide. */
  private async sendWhole(): Promise<void> {
    const bytes = this.takeBuffered(this.buffer.length);
    let isOnItsWay = false;
    try {
      const { storage, state, context } = this;
      const content = contentOf(this.tails, bytes, storage.objects);
      this.isWhole = await putWhole(storage, state.record, content, context);
      if (this.isWhole) {
        this.tails = [];
        return;
      }
      await this.launch(this.tails, bytes);
      isOnItsWay = true;
    } finally {
      if (!isOnItsWay) this.storage.budget.gone(bytes.length);
    }
  }

  private async sendPart(size: number): Promise<void> {
    const most = mostAtOnce(size, this.storage.concurrencyPerUpload);
    await this.parts.haveRoom(most, () => this.isStopped);
    if (this.isStopped) return;
    await this.launch(undefined, size);
  }

  private async launch(covers: readonly TailUnderWay[] | undefined, content: number | Buffer): Promise<void> {
    const place = await this.parts.place(() => this.countedProgress());
    // Other uploads may have made this one spill meanwhile: its bytes are the same, some are in the tail now.
    const tails = covers ?? this.tails;
    const bytes =
      typeof content === 'number' ? this.takeBuffered(Math.max(content - sum(tails), 0)) : content;
    this.tails = [];
    const source = contentOf(tails, bytes, this.storage.objects);
    const part: PartUnderWay = {
      number: place.number,
      size: sum(tails) + bytes.length,
      covers: tails,
      landed: this.send(tails, bytes.length, async () => {
        part.piece = await this.parts.store(place, source);
      }),
    };
    this.parts.added.push(part);
  }

  /** Runs `work` when a permit is free, after the tail objects that it reads are there. Never rejects. */
  private async send(
    covers: readonly TailUnderWay[],
    bytes: number,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await Promise.all(covers.map(({ landed }) => landed));
      if (this.isStopped) return;
      await this.storage.permits.run(work);
    } catch (error) {
      this.fail(error);
    } finally {
      this.storage.budget.gone(bytes);
    }
  }

  private takeBuffered(size: number): Buffer {
    this.storage.budget.leave(size);
    return this.buffer.take(size);
  }

  private fail(error: unknown): void {
    this.failure ??= error;
    // A slow client's next byte may be far away.
    this.source?.destroy();
  }

  private get isStopped(): boolean {
    return this.failure !== undefined || this.context.signal?.aborted === true;
  }

  /** What counts if a commit comes in the middle of the operation. */
  private countedProgress(): Progress {
    if (this.counts) return this.progress();
    const { parts, tails, garbage } = this.state.record;
    return { parts, tails, garbage, session: this.parts.session };
  }

  private progress(): Progress {
    const { tails, tailKeys } = this;
    const { before, added, session } = this.parts;
    const hasFailed = this.failure !== undefined;
    return progressOf(this.state.record, { before, added, tails, tailKeys, session, hasFailed });
  }

  /** The upload's length in bytes, once it is known. */
  private get length(): number | undefined {
    const { size, sizeIsDeferred } = this.state.record.info;
    return sizeIsDeferred ? undefined : size;
  }

  /** Bytes of the upload up to the last one that came. */
  private get end(): number {
    return this.parts.size + this.pending;
  }

  /** Bytes that belong to no part yet. */
  private get pending(): number {
    return sum(this.tails) + this.buffer.length;
  }

  /** True for an upload that will be one PutObject. */
  private get isSmall(): boolean {
    return (
      this.parts.session === undefined &&
      this.length !== undefined &&
      this.length <= this.storage.sizing.partSize
    );
  }

  private partSize(): number {
    return nextPartSize(this.storage.sizing, this.position());
  }

  private position(): PartPosition {
    return {
      stored: this.parts.size,
      length: this.length,
      nextNumber: this.state.upcomingNumber,
      fixedSize: this.storage.sizing.equal ? this.parts.first?.size : undefined,
    };
  }
}
