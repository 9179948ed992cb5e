import type { HttpError } from './errors.js';

/** Counts the errors that were answered, by code and status. */
export class ErrorsTotalMap {
  private readonly counters = new Map<string, { code: string; status: number; count: number }>();

  add(error: Pick<HttpError, 'code' | 'status'>): void {
    const key = `${error.status} ${error.code}`;
    const counter = this.counters.get(key);
    if (counter) counter.count += 1;
    else this.counters.set(key, { code: error.code, status: error.status, count: 1 });
  }

  /** A copy of the counters as they are now. */
  load(): { code: string; status: number; count: number }[] {
    return [...this.counters.values()].map((counter) => ({ ...counter }));
  }
}

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

  countRequest(method: string): void {
    const count = this.requestsTotal[method];
    if (count !== undefined) this.requestsTotal[method] = count + 1;
  }
}
