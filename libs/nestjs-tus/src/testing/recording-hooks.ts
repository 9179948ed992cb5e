import { Injectable } from '@nestjs/common';
import type { HookEvent, HookResult } from '@nestjs-tus/core';
import { HOOK_NAMES, type HookName, type TusHooks } from '../hooks/tus-hooks.js';

export interface RecordedCall {
  readonly hook: HookName;
  readonly event: HookEvent;
}

type Answer = (event: HookEvent) => Promise<HookResult | void> | HookResult | void;

/**
 * Hooks that remember what they were asked, and answer what a test tells them to.
 *
 * @example
 * TusModule.forRoot({ hooks: [RecordingHooks] });
 * const hooks = app.get(RecordingHooks);
 * hooks.answer('preUploadCreate', () => { throw new ForbiddenException(); });
 */
@Injectable()
export class RecordingHooks implements TusHooks {
  /** In the order in which they came. */
  readonly calls: RecordedCall[] = [];
  private readonly answers = new Map<HookName, Answer>();
  private readonly waiting = new Set<() => void>();

  /** What a hook does from now on; without it, it agrees. */
  answer(hook: HookName, answer: Answer): void {
    this.answers.set(hook, answer);
  }

  /** Forgets calls and answers. */
  reset(): void {
    this.calls.length = 0;
    this.answers.clear();
  }

  of(hook: HookName): HookEvent[] {
    return this.calls.filter((call) => call.hook === hook).map(({ event }) => event);
  }

  /** The first event that a hook was asked about for this upload, as soon as there is one. */
  asked(hook: HookName, uploadId: string): Promise<HookEvent> {
    return new Promise((resolve) => {
      const look = () => {
        const event = this.of(hook).find(({ upload }) => upload.id === uploadId);
        if (!event) return;
        this.waiting.delete(look);
        resolve(event);
      };
      this.waiting.add(look);
      look();
    });
  }

  preUploadCreate(event: HookEvent): ReturnType<Answer> {
    return this.record('preUploadCreate', event);
  }

  preFinishResponse(event: HookEvent): ReturnType<Answer> {
    return this.record('preFinishResponse', event);
  }

  preUploadTerminate(event: HookEvent): ReturnType<Answer> {
    return this.record('preUploadTerminate', event);
  }

  postFinish(event: HookEvent): ReturnType<Answer> {
    return this.record('postFinish', event);
  }

  private record(hook: (typeof HOOK_NAMES)[number], event: HookEvent): ReturnType<Answer> {
    this.calls.push({ hook, event });
    for (const look of this.waiting) look();
    return this.answers.get(hook)?.(event);
  }
}
