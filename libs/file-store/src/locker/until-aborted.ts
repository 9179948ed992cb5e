import { errors } from '@nestjs-tus/core';

/** @throws HttpError `ERR_UPLOAD_LOCKED` when one of the signals has aborted */
export function refuseWhenAborted(...signals: AbortSignal[]): void {
  const aborted = signals.find((signal) => signal.aborted);
  if (aborted !== undefined) throw errors.fileLocked(aborted.reason);
}

/** The first of `answers`; rejects with `ERR_UPLOAD_LOCKED` when a signal aborts before. */
export async function untilAborted<T>(answers: Promise<T>[], signals: AbortSignal[]): Promise<T> {
  refuseWhenAborted(...signals);
  const stop = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const giveUp = (event: Event) => reject(errors.fileLocked((event.target as AbortSignal).reason));
    for (const signal of signals) signal.addEventListener('abort', giveUp, { signal: stop.signal });
  });
  try {
    return await Promise.race([...answers, aborted]);
  } finally {
    stop.abort();
  }
}
