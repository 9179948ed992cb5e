import type { TusLogger } from '../config.js';
import type { HookEvent, UploadEventName } from './hook-event.js';

export type UploadEventListener = (event: HookEvent) => void;

/** The life of uploads, told to whoever listens. A listener that throws is logged; it never hurts an upload. */
export class UploadEvents {
  private readonly listeners = new Map<UploadEventName, Set<UploadEventListener>>();

  constructor(private readonly logger: TusLogger) {}

  /** @returns ends the subscription */
  on(name: UploadEventName, listener: UploadEventListener): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  has(name: UploadEventName): boolean {
    return (this.listeners.get(name)?.size ?? 0) > 0;
  }

  emit(name: UploadEventName, event: HookEvent): void {
    for (const listener of this.listeners.get(name) ?? []) {
      try {
        listener(event);
      } catch (error) {
        this.logger.error(`a listener of upload ${name} threw`, error);
      }
    }
  }
}
