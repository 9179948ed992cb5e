import { mergeResponses, readHookAnswer } from '@nestjs-tus/core';
import type { FileInfoChanges, HookCallback, HookEvent, HookResponse, HookResult } from '@nestjs-tus/core';

/**
 * Makes one hook of several. Each sees what those before it changed; of what two decide, the later one counts, headers are joined.
 * The first that throws ends it.
 *
 * @param name of what they implement, for the log
 */
export function chainHooks(hooks: readonly HookCallback[], name = 'a hook'): HookCallback {
  return async (event) => {
    let result: HookResult = {};
    for (const hook of hooks) {
      const own: unknown = await hook(withChanges(event, result.changes));
      // Checked before it is joined: what is wrong with it must not get lost in there.
      result = join(result, readHookAnswer(name, own));
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
  const response = mergeResponses(before.response, after.response);
  return {
    ...(before.changes || after.changes ? { changes: { ...before.changes, ...after.changes } } : {}),
    ...(response && { response }),
  };
}
