import { setMaxListeners } from 'node:events';
import type { ResolvedConfig } from './resolve-config.js';
import type { TusLogger } from './config.js';
import { Deadline } from './deadline.js';
import type { UploadEventName, HookEvent } from './events/hook-event.js';
import type { UploadEvents } from './events/upload-events.js';
import type { Exchange } from './exchange.js';
import type { FileInfo } from './file-info.js';
import { hookEventOf, storedEventOf } from './events/make-hook-event.js';
import { logEvent } from './log-event.js';
import type { Metrics } from './metrics.js';
import { LateJoins } from './late-joins.js';
import { Listing } from './listing.js';
import { Outbox } from './outbox.js';
import type { AwaitedPartials } from './operations/awaited-partials.js';
import { RepresentationDigest } from './operations/representation-digest.js';
import type { DataStore } from './store/data-store.js';
import type { StoreComposer } from './store/store-composer.js';

/** What every operation works with. */
export class Engine {
  /** True from the beginning of the shutdown: no body is read any more. */
  isShuttingDown = false;
  /** When the application's own operations must be over: it counts from the beginning of the shutdown. */
  readonly ending: Deadline;
  readonly outbox = new Outbox(this);
  readonly lateJoins = new LateJoins(this);
  readonly listing = new Listing(this);
  readonly digests = new RepresentationDigest();
  private readonly warned = new Set<string>();

  constructor(
    readonly config: ResolvedConfig,
    readonly store: DataStore,
    readonly events: UploadEvents,
    readonly metrics: Metrics,
    readonly awaited: AwaitedPartials,
  ) {
    this.ending = new Deadline(config.gracefulRequestCompletionTimeout);
    // Every operation of the application listens.
    setMaxListeners(0, this.ending.signal);
  }

  /** When an operation must be over. @param exchange undefined: the application's own */
  deadlineOf(exchange: Exchange | undefined): Deadline {
    return exchange?.deadline ?? this.ending;
  }

  get composer(): StoreComposer {
    return this.config.storeComposer;
  }

  get logger(): TusLogger {
    return this.config.logger;
  }

  /** Logs a step in the life of an upload, and the request that caused it. */
  log(eventName: string, exchange: Exchange | undefined, ...details: string[]): void {
    logEvent(this.logger, eventName, ...details, ...requestIdOf(exchange));
  }

  /** Logs what is of interest only to who looks for it. */
  debug(eventName: string, exchange: Exchange | undefined, ...details: string[]): void {
    const { logger } = this;
    if (!logger.debug) return;
    const lines = { log: (message: string) => logger.debug?.(message) };
    logEvent(lines, eventName, ...details, ...requestIdOf(exchange));
  }

  /** Warns of something that every request may do again. */
  warnOnce(message: string): void {
    if (this.warned.has(message)) return;
    this.warned.add(message);
    this.logger.warn(message);
  }

  /** True when somebody would see an event of this kind. */
  notifies(name: UploadEventName): boolean {
    return this.events.has(name) && this.isEnabled(name);
  }

  /** Never throws: news of an upload cannot hurt it. */
  notify(name: UploadEventName, exchange: Exchange | undefined, info: FileInfo): void {
    if (!this.notifies(name)) return;
    const event: HookEvent = exchange ? hookEventOf(exchange, info) : storedEventOf(info);
    this.events.emit(name, event);
  }

  private isEnabled(name: UploadEventName): boolean {
    const { config } = this;
    switch (name) {
      case 'created':
        return config.notifyCreatedUploads;
      case 'progress':
        return config.notifyUploadProgress;
      case 'completed':
        return config.notifyCompleteUploads;
      case 'terminated':
        return config.notifyTerminatedUploads;
      case 'expired':
        return true;
    }
  }
}

function requestIdOf(exchange: Exchange | undefined): string[] {
  const requestId = exchange?.requestId;
  return requestId === undefined ? [] : ['requestId', requestId];
}
