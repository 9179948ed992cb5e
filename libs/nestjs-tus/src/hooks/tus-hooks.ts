import { DiscoveryService } from '@nestjs/core';
import type { HookEvent, HookResult } from '@nestjs-tus/core';

type Answer = Promise<HookResult | void> | HookResult | void;

/**
 * A class whose word counts in the life of an upload. Each method may be left out. To refuse, throw any HttpException (or an
 * HttpError of the engine): its status and text go to the client. Hooks are asked one after another; the first refusal ends it.
 */
export interface TusHooks {
  /** Before an upload is created: may change its id, metadata, storage, limits and context. */
  preUploadCreate?(event: HookEvent): Answer;
  /** All bytes are stored: the last word before the client is told. A refusal leaves the bytes where they are. */
  preFinishResponse?(event: HookEvent): Answer;
  /** Before a client's DELETE. */
  preUploadTerminate?(event: HookEvent): Answer;
  /**
   * The upload is finished, and its client was told: the place for what takes long. Called outside the request, without
   * `event.request`, again after each failure, and after a restart until it has resolved: at least once, so it must bear being called twice
   * for one `upload.id`. A promise is waited for; what it returns does not count.
   */
  postFinish?(event: HookEvent): unknown;
}

export type HookName = keyof TusHooks;

export const HOOK_NAMES = [
  'preUploadCreate',
  'preFinishResponse',
  'preUploadTerminate',
  'postFinish',
] as const satisfies readonly HookName[];

export interface TusHookOptions {
  /** Name of the endpoint whose uploads the hook sees; left out: those of every endpoint. */
  endpoint?: string;
}

/**
 * Marks an injectable class as a hook, wherever in the app it is provided.
 *
 * @example
 * \@Injectable()
 * \@TusHook({ endpoint: 'avatars' })
 * export class AvatarHooks implements TusHooks {
 *   preUploadCreate({ upload }: HookEvent) {
 *     if (!upload.metaData.filetype?.startsWith('image/')) throw new UnsupportedMediaTypeException();
 *   }
 * }
 */
export const TusHook = DiscoveryService.createDecorator<TusHookOptions>();
