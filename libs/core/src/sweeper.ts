import type { Engine } from './engine.js';
import { ErrNotFound, ErrUploadDamaged, hasCode, isHttpError } from './errors.js';
import { type FileInfo, stateOf } from './file-info.js';
import { removeExpired } from './operations/by-application.js';
import { isExpired } from './operations/expiry.js';
import { holdingIfFree } from './operations/join.js';
import type { OperationScope } from './operations/under-lock.js';
import { update } from './operations/update.js';
import type { Upload } from './store/data-store.js';

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
    for await (const info of this.engine.listing.each({ expiresBefore: new Date() })) {
      if (this.isStopped) break;
      if (isExpired(info)) removed += (await this.whileFree(info.id, this.remove)) ? 1 : 0;
      else if (isUnrecorded(info)) await this.whileFree(info.id, this.record);
    }
    return removed;
  }

  /** Works on an upload under its lock, unless it is in use: activity will have moved its expiry. */
  private async whileFree(uploadId: string, work: Work): Promise<boolean> {
    try {
      const done = await holdingIfFree(this.engine, uploadId, async (scope) => {
        const upload = await this.engine.store.getUpload(uploadId, scope);
        return work(upload, await upload.getInfo(scope), scope);
      });
      return done === true;
    } catch (error) {
      if (hasCode(error, ErrNotFound)) return false;
      if (isHttpError(error) && hasCode(error, ErrUploadDamaged)) {
        this.engine.listing.report({ id: uploadId, error });
        return false;
      }
      this.engine.logger.error(`sweeping the upload ${uploadId} failed`, error);
      return false;
    }
  }

  private readonly remove: Work = async (upload, info, scope) => {
    if (!isExpired(info)) return false;
    await removeExpired(this.engine, upload, info, scope);
    return true;
  };

  /** Has a finished upload say so, which is a fact from then on, and takes it out of the sweeper's list. */
  private readonly record: Work = async (upload, info, scope) => {
    if (!isUnrecorded(info)) return false;
    await update(this.engine, upload, { state: 'finished', expiresAt: null }, scope);
    return true;
  };
}

type Work = (upload: Upload, info: FileInfo, scope: OperationScope) => Promise<boolean>;

/** A finished upload with an expiry, of which only its length says that it is finished: another version has made it. */
function isUnrecorded(info: FileInfo): boolean {
  return info.state === undefined && !info.isPartial && stateOf(info) === 'finished';
}
