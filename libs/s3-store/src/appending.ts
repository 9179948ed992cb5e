import type { Readable } from 'node:stream';
import type { StoreContext } from '@nestjs-tus/core';
import { arriving } from './arriving.js';
import type { Spiller } from './buffer-budget.js';
import type { Content } from './calls.js';
import { ChunkBuffer } from './chunk-buffer.js';
import { LARGEST_BUFFER, MAX_SEGMENTS } from './limits.js';
import { partProblem } from './lost-content.js';
import { putWhole } from './own-object.js';
import { mayCutShort, mostAtOnce, nextPartSize, type PartPosition } from './part-size.js';
import { type Flight, isNews, type Progress, progressOf } from './progress.js';
import { leaveOutStrays, renumber } from './stray-parts.js';
import { contentOf, type TailSegment } from './tail-segments.js';
import type { Service, UploadState } from './upload-state.js';
import { type Multipart, type StoredPart, sum } from './upload-record.js';

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
  private readonly flights: Flight[] = [];
  /** The parts that counted before. */
  private before: readonly StoredPart[];
  /** Keys of all tail objects that counted before or were written here. */
  private readonly tailKeys: Set<string>;
  private tail: TailSegment[];
  private multipart: Multipart | undefined;
  private isWhole = false;
  private source: Readable | undefined;

  /** @param counts what is stored counts at once; otherwise only at the end (checksums) */
  constructor(
    private readonly service: Service,
    private readonly state: UploadState,
    private readonly context: StoreContext,
    private readonly counts: boolean,
  ) {
    const { record } = state;
    this.before = record.parts;
    this.multipart = record.multipart;
    this.tailKeys = new Set(record.segments.map(({ key }) => key));
    this.tail = record.segments.map((segment) => ({
      ...segment,
      covers: [],
      landed: Promise.resolve(),
      isStored: true,
    }));
  }

  /** Reads a source until it ends or breaks, or storing fails. True when it ended. */
  async read(source: Readable): Promise<boolean> {
    this.source = source;
    this.service.budget.join(this);
    try {
      let isWhole = true;
      for await (const chunk of arriving(source, () => (isWhole = false))) {
        this.take(chunk);
        await this.sendFullParts();
        await this.service.budget.room();
        if (this.isStopped) return false;
      }
      return isWhole;
    } catch (error) {
      this.fail(error);
      return false;
    } finally {
      this.service.budget.part(this);
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
    await Promise.all([...this.flights, ...this.tail].map(({ landed }) => landed));
    // A tail object whose call failed may be there, or come late.
    if (this.failure !== undefined || this.context.signal?.aborted) this.state.expectStrays();
    this.service.budget.drop(this.buffer.length);
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
    const { segments, multipart, key } = this.state.record;
    const counted = new Set(segments.map((segment) => segment.key));
    const written = [...this.tailKeys].filter((tailKey) => !counted.has(tailKey));
    await Promise.all(written.map((tailKey) => this.service.bucket.remove(tailKey)));
    if (this.multipart && this.multipart.id !== multipart?.id) {
      await this.service.multiparts.abort(key, this.multipart.id);
    }
  }

  get buffered(): number {
    return Math.min(this.buffer.length, Math.max(this.partSize() - sum(this.tail), 0));
  }

  spill(): void {
    const size = this.buffered;
    // A part could take no more of the tail: it is about to be sent.
    if (size === 0) return;
    const bytes = this.takeBuffered(size);
    const covers = this.tail.length >= MAX_SEGMENTS ? this.tail : [];
    const content = contentOf(covers, bytes, this.service);
    const key = this.service.keys.newTail(this.state.record.info.id);
    this.tailKeys.add(key);
    const segment: TailSegment = {
      key,
      size: sum(covers) + size,
      covers,
      isStored: false,
      landed: this.send(covers, bytes.length, async () => {
        await this.service.bucket.put(key, content, {}, this.context.signal);
        segment.isStored = true;
      }),
    };
    this.tail = covers.length > 0 ? [segment] : [...this.tail, segment];
  }

  private take(chunk: Uint8Array): void {
    this.lastArrival = performance.now();
    this.received += chunk.length;
    this.buffer.append(chunk);
    this.service.budget.arrive(chunk.length);
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
    if (hasAll && this.isSmall && this.flights.length === 0) return this.sendWhole();
    if (hasAll && this.pending > 0) return this.sendPart(this.pending);
    if (this.buffer.length === 0) return;
    if (!this.isSmall && mayCutShort(this.service.options, this.position(), this.pending)) {
      return this.sendPart(this.pending);
    }
    this.spill();
  }

  /** As the object itself, or, if there is one already, as the only part: the parts decide. */
  private async sendWhole(): Promise<void> {
    const bytes = this.takeBuffered(this.buffer.length);
    let isOnItsWay = false;
    try {
      const { service, state, context } = this;
      const content = contentOf(this.tail, bytes, service);
      this.isWhole = await putWhole(service, state.record, content, context);
      if (this.isWhole) {
        this.tail = [];
        return;
      }
      await this.launch(this.tail, bytes);
      isOnItsWay = true;
    } finally {
      if (!isOnItsWay) this.service.budget.gone(bytes.length);
    }
  }

  private async sendPart(size: number): Promise<void> {
    const most = mostAtOnce(size, this.service.options.concurrencyPerUpload);
    while (this.airborne >= most) {
      await Promise.race(this.flights.filter(({ etag }) => etag === undefined).map(({ landed }) => landed));
      if (this.isStopped) return;
    }
    await this.launch(undefined, size);
  }

  private async launch(covers: readonly TailSegment[] | undefined, content: number | Buffer): Promise<void> {
    if (this.flights.length === 0) await this.renew();
    const multipart = await this.openMultipart();
    const number = await this.state.takeNumber(() => this.countedProgress(), this.context);
    // Other uploads may have made this one spill meanwhile: its bytes are the same, some are in the tail now.
    const tail = covers ?? this.tail;
    const bytes = typeof content === 'number' ? this.takeBuffered(Math.max(content - sum(tail), 0)) : content;
    this.tail = [];
    const source = contentOf(tail, bytes, this.service);
    const flight: Flight = {
      number,
      size: sum(tail) + bytes.length,
      covers: tail,
      landed: this.send(tail, bytes.length, async () => {
        flight.etag = await this.uploadPart(multipart, number, source);
      }),
    };
    this.flights.push(flight);
  }

  private async uploadPart({ id }: Multipart, number: number, content: Content): Promise<string> {
    const { multiparts } = this.service;
    const { record } = this.state;
    try {
      return await multiparts.uploadPart(record.key, id, number, content, this.context.signal);
    } catch (error) {
      throw await partProblem(this.service, record, id, error);
    }
  }

  /** Brings the multipart upload into a state that takes more parts: one that is being copied, or has hardly a number left, does not. */
  private async renew(): Promise<void> {
    const { service, state, context } = this;
    if (state.record.sealed) await leaveOutStrays(service, state, context);
    else if (state.isShortOfNumbers) await renumber(service, state, context);
    else return;
    this.before = state.record.parts;
    this.multipart = state.record.multipart;
  }

  private async openMultipart(): Promise<Multipart> {
    if (this.multipart) return this.multipart;
    const multipart = await this.service.multiparts.begin(this.state.record, this.context.signal);
    this.state.numberAnew();
    return (this.multipart = multipart);
  }

  /** Runs `work` when a permit is free, after the tail objects that it reads are there. Never rejects. */
  private async send(
    covers: readonly TailSegment[],
    bytes: number,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await Promise.all(covers.map(({ landed }) => landed));
      if (this.isStopped) return;
      await this.service.permits.run(work);
    } catch (error) {
      this.fail(error);
    } finally {
      this.service.budget.gone(bytes);
    }
  }

  private takeBuffered(size: number): Buffer {
    this.service.budget.leave(size);
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
    const { parts, segments, garbage } = this.state.record;
    return { parts, segments, garbage, multipart: this.multipart };
  }

  private progress(): Progress {
    const { before, flights, tail, tailKeys, multipart } = this;
    const hasFailed = this.failure !== undefined;
    return progressOf(this.state.record, { before, flights, tail, tailKeys, multipart, hasFailed });
  }

  /** The upload's length in bytes, once it is known. */
  private get length(): number | undefined {
    const { size, sizeIsDeferred } = this.state.record.info;
    return sizeIsDeferred ? undefined : size;
  }

  /** Bytes of the upload up to the last one that came. */
  private get end(): number {
    return sum(this.before) + sum(this.flights) + this.pending;
  }

  /** Bytes that belong to no part yet. */
  private get pending(): number {
    return sum(this.tail) + this.buffer.length;
  }

  /** True for an upload that will be one PutObject. */
  private get isSmall(): boolean {
    return (
      this.multipart === undefined &&
      this.length !== undefined &&
      this.length <= this.service.options.partSize
    );
  }

  private partSize(): number {
    return nextPartSize(this.service.options, this.position());
  }

  private position(): PartPosition {
    const { equalParts } = this.service.options;
    return {
      stored: sum(this.before) + sum(this.flights),
      length: this.length,
      nextNumber: this.state.upcomingNumber,
      fixedSize: equalParts ? (this.before[0] ?? this.flights[0])?.size : undefined,
    };
  }

  private get airborne(): number {
    return this.flights.filter(({ etag }) => etag === undefined).length;
  }
}
