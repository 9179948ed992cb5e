import { types } from 'node:util';
import type { TusLogger } from '../config.js';
import type { HookEvent, UploadEventName } from './hook-event.js';

export type UploadEventListener = (event: HookEvent) => void;

/** Carries events to other processes that serve the same uploads. */
export interface EventBridge {
  /** True when somebody in another process listens to events of this kind. */
  wants(name: UploadEventName): boolean;
  send(name: UploadEventName, event: HookEvent): void;
  /** Called when the first listener of a kind has come here, or the last one has gone. */
  listening(name: UploadEventName, isListening: boolean): void;
}

/** The life of uploads, told to whoever listens. A listener that throws is logged; it never hurts an upload. */
export class UploadEvents {
  private readonly listeners = new Map<UploadEventName, Set<UploadEventListener>>();
  private bridge: EventBridge | undefined;

  constructor(private readonly logger: TusLogger) {}

  /** @returns ends the subscription */
  on(name: UploadEventName, listener: UploadEventListener): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(listener));
    if (listeners.size === 1) this.bridge?.listening(name, true);
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) this.bridge?.listening(name, false);
    };
  }

  /** True when somebody would see an event of this kind, here or in another process. */
  has(name: UploadEventName): boolean {
    return this.hasHere(name) || (this.bridge?.wants(name) ?? false);
  }

  emit(name: UploadEventName, event: HookEvent): void {
    this.receive(name, event);
    this.guard(`sending the event ${name} to other processes failed`, () => {
      if (this.bridge?.wants(name)) this.bridge.send(name, event);
    });
  }

  /** Tells an event to the listeners of this process only: one that another process has sent. */
  receive(name: UploadEventName, event: HookEvent): void {
    for (const listener of this.listeners.get(name) ?? []) {
      this.guard(`a listener of upload ${name} threw`, () => listener(event));
    }
  }

  /** From now on, other processes hear the events of this one. */
  joinWith(bridge: EventBridge): void {
    this.bridge = bridge;
    for (const name of this.listeners.keys()) if (this.hasHere(name)) bridge.listening(name, true);
  }

  /** What is called here may be async, whatever its type says: a rejection without this would end the process. */
  private guard(complaint: string, call: () => unknown): void {
    const report = (error: unknown) => this.logger.error(complaint, error);
    try {
      const result = call();
      if (types.isPromise(result)) result.catch(report);
    } catch (error) {
      report(error);
    }
  }

  private hasHere(name: UploadEventName): boolean {
    return (this.listeners.get(name)?.size ?? 0) > 0;
  }
}
