import { Durations, type DurationsSnapshot } from './durations.js';
import type { HttpError } from './errors.js';

/** Counts the errors that were answered, by code and status. */
export class ErrorsTotalMap {
  private readonly counters = new Map<string, { code: string; status: number; count: number }>();

  add(error: Pick<HttpError, 'code' | 'status'>, count = 1): void {
    const key = `${error.status} ${error.code}`;
    const counter = this.counters.get(key);
    if (counter) counter.count += count;
    else this.counters.set(key, { code: error.code, status: error.status, count });
  }

  /** A copy of the counters as they are now. */
  load(): { code: string; status: number; count: number }[] {
    return [...this.counters.values()].map((counter) => ({ ...counter }));
  }
}

export type HookName = 'preUploadCreate' | 'preFinishResponse' | 'preUploadTerminate' | 'postFinish';

/** Numbers about the use of a handler since it was made. */
export class Metrics {
  /** Incoming requests by method, after method override. */
  readonly requestsTotal: Record<string, number> = {
    GET: 0,
    HEAD: 0,
    POST: 0,
    PATCH: 0,
    DELETE: 0,
    OPTIONS: 0,
  };
  readonly errorsTotal = new ErrorsTotalMap();
  /** Bytes that were stored. */
  bytesReceived = 0;
  uploadsCreated = 0;
  uploadsFinished = 0;
  uploadsTerminated = 0;
  uploadsExpired = 0;
  /** Requests that are running now. */
  requestsInFlight = 0;
  /** How long requests waited for the lock of an upload. */
  readonly lockWait = new Durations();
  /** How long hooks took, with those that failed. */
  readonly hookTime: Readonly<Record<HookName, Durations>> = {
    preUploadCreate: new Durations(),
    preFinishResponse: new Durations(),
    preUploadTerminate: new Durations(),
    postFinish: new Durations(),
  };

  countRequest(method: string): void {
    const count = this.requestsTotal[method];
    if (count !== undefined) this.requestsTotal[method] = count + 1;
  }

  /** A copy of all numbers as they are now: JSON, for other processes say. */
  snapshot(): MetricsSnapshot {
    const { lockWait, hookTime, requestsTotal, errorsTotal } = this;
    return {
      requestsTotal: { ...requestsTotal },
      errorsTotal: errorsTotal.load(),
      bytesReceived: this.bytesReceived,
      uploadsCreated: this.uploadsCreated,
      uploadsFinished: this.uploadsFinished,
      uploadsTerminated: this.uploadsTerminated,
      uploadsExpired: this.uploadsExpired,
      requestsInFlight: this.requestsInFlight,
      lockWait: lockWait.snapshot(),
      hookTime: {
        preUploadCreate: hookTime.preUploadCreate.snapshot(),
        preFinishResponse: hookTime.preFinishResponse.snapshot(),
        preUploadTerminate: hookTime.preUploadTerminate.snapshot(),
        postFinish: hookTime.postFinish.snapshot(),
      },
    };
  }
}

export interface MetricsSnapshot {
  readonly requestsTotal: Readonly<Record<string, number>>;
  readonly errorsTotal: readonly { readonly code: string; readonly status: number; readonly count: number }[];
  readonly bytesReceived: number;
  readonly uploadsCreated: number;
  readonly uploadsFinished: number;
  readonly uploadsTerminated: number;
  readonly uploadsExpired: number;
  readonly requestsInFlight: number;
  readonly lockWait: DurationsSnapshot;
  readonly hookTime: Readonly<Record<HookName, DurationsSnapshot>>;
}
