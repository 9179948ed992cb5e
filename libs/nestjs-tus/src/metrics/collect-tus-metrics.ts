import { Counter, Gauge, type Registry } from 'prom-client';
import type { MetricsSnapshot } from '@nestjs-tus/core';
import { DurationHistogram } from './duration-histogram.js';

/** Gives the numbers of endpoints by their names when they are asked for: of this process, or of several that were added up. */
export type TusMetricsSource = () =>
  Promise<Readonly<Record<string, MetricsSnapshot>>> | Readonly<Record<string, MetricsSnapshot>>;

export interface TusMetricsOptions {
  /** Before each name. Default `tus_`. */
  readonly prefix?: string;
}

type Read<T> = (visit: (endpoint: string, numbers: MetricsSnapshot) => T) => Promise<T[]>;

/**
 * Adds the numbers of upload endpoints to a registry of prom-client. They are read when the registry is scraped, once for all of them.
 *
 * @throws Error when the registry has metrics of these names already
 */
export function collectTusMetrics(
  registry: Registry,
  source: TusMetricsSource,
  { prefix = 'tus_' }: TusMetricsOptions = {},
): void {
  const read = readerOf(source);
  const make = { registry, prefix, read };
  addCounters(make);
  addErrors(make);
  new Gauge({
    name: `${prefix}requests_in_flight`,
    help: 'Requests that are running.',
    labelNames: ['endpoint'],
    registers: [registry],
    async collect() {
      this.reset();
      await read((endpoint, numbers) => this.set({ endpoint }, numbers.requestsInFlight));
    },
  });
  registry.registerMetric(
    new DurationHistogram(
      `${prefix}lock_wait_seconds`,
      'How long requests waited for the lock of an upload.',
      () => read((endpoint, { lockWait }) => ({ labels: { endpoint }, durations: lockWait })),
    ),
  );
  registry.registerMetric(
    new DurationHistogram(
      `${prefix}hook_duration_seconds`,
      'How long hooks took, failed ones too.',
      async () =>
        (
          await read((endpoint, { hookTime }) =>
            Object.entries(hookTime).map(([hook, durations]) => ({ labels: { endpoint, hook }, durations })),
          )
        ).flat(),
    ),
  );
}

/** All metrics of one scrape are asked in one go: they share what the source gives. */
function readerOf(
  source: TusMetricsSource,
): <T>(visit: (endpoint: string, numbers: MetricsSnapshot) => T) => Promise<T[]> {
  let current: Promise<Readonly<Record<string, MetricsSnapshot>>> | undefined;
  const load = async () => {
    try {
      return await source();
    } finally {
      current = undefined;
    }
  };
  return async (visit) => {
    current ??= load();
    return Object.entries(await current).map(([endpoint, numbers]) => visit(endpoint, numbers));
  };
}

interface Making {
  readonly registry: Registry;
  readonly prefix: string;
  readonly read: Read<void>;
}

function addCounters({ registry, prefix, read }: Making): void {
  new Counter({
    name: `${prefix}requests_total`,
    help: 'Requests by method, after method override.',
    labelNames: ['endpoint', 'method'],
    registers: [registry],
    async collect() {
      this.reset();
      await read((endpoint, { requestsTotal }) => {
        for (const [method, count] of Object.entries(requestsTotal)) this.inc({ endpoint, method }, count);
      });
    },
  });
  for (const [name, help, valueOf] of COUNTERS) {
    new Counter({
      name: `${prefix}${name}`,
      help,
      labelNames: ['endpoint'],
      registers: [registry],
      async collect() {
        this.reset();
        await read((endpoint, numbers) => this.inc({ endpoint }, valueOf(numbers)));
      },
    });
  }
}

const COUNTERS: readonly [name: string, help: string, valueOf: (numbers: MetricsSnapshot) => number][] = [
  ['bytes_received_total', 'Bytes that were stored.', ({ bytesReceived }) => bytesReceived],
  ['uploads_created_total', 'Uploads that were created.', ({ uploadsCreated }) => uploadsCreated],
  ['uploads_finished_total', 'Uploads that were finished.', ({ uploadsFinished }) => uploadsFinished],
  ['uploads_terminated_total', 'Uploads that were deleted.', ({ uploadsTerminated }) => uploadsTerminated],
  ['uploads_expired_total', 'Uploads that nobody went on with.', ({ uploadsExpired }) => uploadsExpired],
];

function addErrors({ registry, prefix, read }: Making): void {
  new Counter({
    name: `${prefix}errors_total`,
    help: 'Errors that were answered, by status and code.',
    labelNames: ['endpoint', 'status', 'code'],
    registers: [registry],
    async collect() {
      this.reset();
      await read((endpoint, { errorsTotal }) => {
        for (const { status, code, count } of errorsTotal) this.inc({ endpoint, status, code }, count);
      });
    },
  });
}
