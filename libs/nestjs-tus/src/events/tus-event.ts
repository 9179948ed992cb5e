import type { HookEvent, UploadEventName } from '@nestjs-tus/core';

/** The names that events have on EventEmitter2. */
export const TusEventName = Object.freeze({
  created: 'tus.upload.created',
  progress: 'tus.upload.progress',
  completed: 'tus.upload.completed',
  terminated: 'tus.upload.terminated',
  expired: 'tus.upload.expired',
} as const satisfies Record<UploadEventName, string>);

export type TusEventName = (typeof TusEventName)[UploadEventName];

/** What happened to an upload, for subscribers and `@OnEvent` listeners. */
export interface TusEvent extends HookEvent {
  readonly name: TusEventName;
  /** The registration's name; `default` for the unnamed one. */
  readonly endpoint: string;
}
