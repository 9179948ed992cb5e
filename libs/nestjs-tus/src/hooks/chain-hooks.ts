import type { FileInfoChanges, HookCallback, HookEvent, HookResponse, HookResult } from '@nestjs-tus/core';

/**
 * Makes one hook of several. Each sees what those before it changed; of what two decide, the later one counts, headers are joined.
 * The first that throws ends it.
 */
export function chainHooks(hooks: readonly HookCallback[]): HookCallback {
  return async (event) => {
    let result: HookResult = {};
    for (const hook of hooks) {
      const own = await hook(withChanges(event, result.changes));
      if (own) result = join(result, own);
    }
    return result;
  };
}

function withChanges(event: HookEvent, changes: FileInfoChanges | undefined): HookEvent {
  if (!changes) return event;
  const { upload } = event;
  const stopUpload = (response?: HookResponse) => upload.stopUpload(response);
  return { ...event, upload: { ...upload, ...copied(changes), stopUpload } };
}

/** The changes as a FileInfo may hold them: its fields are not readonly. */
function copied({ metaData, storage, ...changes }: FileInfoChanges) {
  return {
    ...changes,
    ...(metaData && { metaData: { ...metaData } }),
    ...(storage && { storage: { ...storage } }),
  };
}

function join(before: HookResult, after: HookResult): HookResult {
  return {
    ...(before.changes || after.changes ? { changes: { ...before.changes, ...after.changes } } : {}),
    ...(before.response || after.response
      ? { response: joinResponses(before.response, after.response) }
      : {}),
  };
}

function joinResponses(before: HookResponse | undefined, after: HookResponse | undefined): HookResponse {
  return { ...before, ...after, header: { ...before?.header, ...after?.header } };
}
