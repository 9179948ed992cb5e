import type { Engine } from './engine.js';
import { ErrNotFound, hasCode } from './errors.js';
import type { FileInfo } from './file-info.js';
import { removeExpired } from './operations/by-application.js';
import { isExpired } from './operations/expiry.js';
import { holdingIfFree } from './operations/join.js';
import type { OperationScope } from './operations/under-lock.js';

/** Removes expired uploads from time to time. What is in use, or has been finished meanwhile, stays. */
export class Sweeper {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<number> | undefined;
  private isStopped = false;

  constructor(private readonly engine: Engine) {}

  start(): void {
    const { after, sweepInterval } = this.engine.config.expiration;
    if (after === 0 || sweepInterval === 0) return;
    this.timer = setInterval(() => void this.sweepQuietly(), sweepInterval);
    this.timer.unref();
  }

  /** Begins nothing any more: a sweep that runs ends after the upload that it is at. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    await this.running?.catch(() => 0);
  }

  /** @returns how many uploads were removed */
  sweep(): Promise<number> {
    this.running ??= this.sweepAll().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async sweepQuietly(): Promise<void> {
    try {
      await this.sweep();
    } catch (error) {
      this.engine.logger.error(
        'sweeping expired uploads failed; it is tried again at the next interval',
        error,
      );
    }
  }

  private async sweepAll(): Promise<number> {
    const { lister, usesTerminater } = this.engine.composer;
    if (!lister || !usesTerminater) return 0;
    let removed = 0;
    let cursor: string | undefined;
    do {
      const page = await lister.list({ expiresBefore: new Date() }, cursor);
      for (const info of page.uploads) {
        if (this.isStopped) return removed;
        if (isExpired(info) && (await this.removeIfExpired(info.id))) removed += 1;
      }
      cursor = page.cursor;
    } while (cursor !== undefined && !this.isStopped);
    return removed;
  }

  private async removeIfExpired(uploadId: string): Promise<boolean> {
    try {
      // In use: activity will have moved its expiry.
      const removed = await holdingIfFree(this.engine, uploadId, (scope) => this.remove(uploadId, scope));
      return removed === true;
    } catch (error) {
      if (hasCode(error, ErrNotFound)) return false;
      this.engine.logger.error(`removing the expired upload ${uploadId} failed`, error);
      return false;
    }
  }

  private async remove(uploadId: string, scope: OperationScope): Promise<boolean> {
    const upload = await this.engine.store.getUpload(uploadId, scope);
    const info: FileInfo = await upload.getInfo(scope);
    if (!isExpired(info)) return false;
    await removeExpired(this.engine, upload, info, scope);
    return true;
  }
}
