import { HttpError, type HookEvent, type HookResult } from '@nestjs-tus/core';
import { startInProcess, type InProcessServer } from './in-process-server.js';

export type Hook = (event: HookEvent) => HookResult | void | Promise<HookResult | void>;

export interface Hooks {
  create?: Hook;
  finish?: Hook;
  terminate?: Hook;
}

/** A server whose hooks a test sets, also later, and whose calls are counted. */
export async function hooked(hooks: Hooks) {
  const calls = { create: 0, finish: 0, terminate: 0 };
  const run = (name: keyof typeof calls) => (event: HookEvent) => {
    calls[name]++;
    return hooks[name]?.(event);
  };
  const server = await startInProcess({
    preUploadCreateCallback: run('create'),
    preFinishResponseCallback: run('finish'),
    preUploadTerminateCallback: run('terminate'),
  });
  return { server, calls, hooks };
}

/** What a hook throws to refuse. */
export function refusal(status: number, body?: string): HttpError {
  const descriptor = { code: 'ERR_HOOK_SAYS_NO', status, message: 'not this one' };
  return new HttpError(descriptor, { body, header: { 'X-Why': 'policy' } });
}

/** The events of one upload in their order, progress left out. */
export function eventNames(server: InProcessServer, url: string): string[] {
  return server.events
    .filter(({ name, event }) => name !== 'progress' && url.endsWith(event.upload.id))
    .map(({ name }) => name);
}
