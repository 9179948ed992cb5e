import { errors, isHttpError } from '@nestjs-tus/core';

/** Why a call to the service failed, as far as a store has to know it. `cause` is the service's own error; the message is its message. */
export abstract class StorageProblem extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** The service itself says that there is no such object. A 404 that may come from elsewhere is `Passing`. */
export class Missing extends StorageProblem {
  override readonly name = 'Missing';
}

/** The condition of a call is false. */
export class Changed extends StorageProblem {
  override readonly name = 'Changed';
}

/** Another call for the same key came in between: nothing was done, and a condition was not looked at. */
export class Conflict extends StorageProblem {
  override readonly name = 'Conflict';
}

/** There is no room left. */
export class Full extends StorageProblem {
  override readonly name = 'Full';
}

/** The call may succeed when it is repeated later, or after an operator's repair of keys, rights or clock. It may have been done, too. */
export class Passing extends StorageProblem {
  override readonly name = 'Passing';
}

/** The service says for certain that a session of an assembly is over. */
export class SessionGone extends StorageProblem {
  override readonly name = 'SessionGone';
}

/** The service does not make an object of these pieces: it has others, too, or not all of them. */
export class PiecesRefused extends StorageProblem {
  override readonly name = 'PiecesRefused';
}

/**
 * What the engine gets for a failed call: ERR_STORAGE_UNAVAILABLE (503) for what passes, ERR_INSUFFICIENT_STORAGE (507) when there is no room,
 * ERR_LOCK_LOST once `signal` has aborted; anything else as it is: a defect, and a 500.
 */
export function storageError(error: unknown, signal?: AbortSignal): unknown {
  if (isHttpError(error)) return error;
  const cause = error instanceof StorageProblem ? error.cause : error;
  if (signal?.aborted) return errors.lockLost(cause);
  if (error instanceof Full) return errors.insufficientStorage(cause);
  return isPassing(error) ? errors.storageUnavailable(cause) : error;
}

/** What is not there where it must be is a service's trouble, too. */
function isPassing(error: unknown): boolean {
  return [Passing, Conflict, Missing, SessionGone].some((problem) => error instanceof problem);
}
