import type { Engine } from './engine.js';
import { ErrNotFound, hasCode } from './errors.js';
import type { FileInfo } from './file-info.js';
import { removeExpired } from './operations/by-application.js';
import { isExpired } from './operations/expiry.js';
import { inScope, OperationScope } from './operations/under-lock.js';

/** Removes expired uploads from time to time. What is in use, or has been finished meanwhile, stays. */
export class Sweeper {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<number> | undefined;

  constructor(private readonly engine: Engine) {}

  start(): void {
    const { after, sweepInterval } = this.engine.config.expiration;
    if (after === 0 || sweepInterval === 0) return;
    this.timer = setInterval(() => void this.sweepQuietly(), sweepInterval);
    this.timer.unref();
  }

  async stop(): Promise<void> {
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
        if (isExpired(info) && (await this.removeIfExpired(info.id))) removed += 1;
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    return removed;
  }

  private async removeIfExpired(uploadId: string): Promise<boolean> {
    const lock = this.engine.composer.locker?.newLock(uploadId);
    // In use: activity will have moved its expiry.
    if (lock && !(await lock.tryLock())) return false;
    try {
      return await inScope(new OperationScope(lock), (scope) => this.remove(uploadId, scope));
    } catch (error) {
      if (hasCode(error, ErrNotFound)) return false;
      this.engine.logger.error(`removing the expired upload ${uploadId} failed`, error);
      return false;
    } finally {
      await lock?.unlock();
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
