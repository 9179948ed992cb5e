import type { Engine } from '../engine.js';
import type { Exchange } from '../exchange.js';
import type { FileInfo } from '../file-info.js';

/**
 * Tells the client now and then how much of its upload is stored. It asks the store, since bytes that were only received may be lost in a
 * crash, and an offset that was told is never taken back.
 */
export class ProgressAnnouncement {
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;
  private isAsking = false;
  private told: number;

  constructor(
    private readonly engine: Engine,
    private readonly exchange: Exchange,
    private readonly info: FileInfo,
  ) {
    this.told = info.offset;
  }

  start(): void {
    if (!this.exchange.dialect.announceProgress || !this.exchange.hasBody) return;
    this.timer = setInterval(() => void this.tell(), this.engine.config.uploadProgressInterval).unref();
  }

  stop(): void {
    this.isOver = true;
    clearInterval(this.timer);
  }

  private async tell(): Promise<void> {
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      const upload = await this.engine.store.getUpload(this.info.id, {});
      const { offset } = await upload.getInfo({});
      if (this.isOver || offset <= this.told) return;
      this.told = offset;
      this.exchange.dialect.announceProgress?.(this.exchange, offset);
    } catch (error) {
      // The upload itself goes on, or fails with an answer of its own.
      this.engine.logger.warn(`the progress of the upload ${this.info.id} could not be told`, error);
    } finally {
      this.isAsking = false;
    }
  }
}
