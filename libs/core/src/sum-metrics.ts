import { DURATION_BOUNDS, type DurationsSnapshot } from './durations.js';
import { ErrorsTotalMap, type MetricsSnapshot } from './metrics.js';

/** The numbers of several handlers, in several processes say, as those of one. Of none of them: all zero. */
export function sumMetrics(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const total = (of: (one: MetricsSnapshot) => number) => snapshots.reduce((sum, one) => sum + of(one), 0);
  const durations = (of: (one: MetricsSnapshot) => DurationsSnapshot) => sumDurations(snapshots.map(of));
  return {
    requestsTotal: sumRecords(snapshots.map(({ requestsTotal }) => requestsTotal)),
    errorsTotal: sumErrors(snapshots),
    bytesReceived: total(({ bytesReceived }) => bytesReceived),
    uploadsCreated: total(({ uploadsCreated }) => uploadsCreated),
    uploadsFinished: total(({ uploadsFinished }) => uploadsFinished),
    uploadsTerminated: total(({ uploadsTerminated }) => uploadsTerminated),
    uploadsExpired: total(({ uploadsExpired }) => uploadsExpired),
    requestsInFlight: total(({ requestsInFlight }) => requestsInFlight),
    lockWait: durations(({ lockWait }) => lockWait),
    hookTime: {
      preUploadCreate: durations(({ hookTime }) => hookTime.preUploadCreate),
      preFinishResponse: durations(({ hookTime }) => hookTime.preFinishResponse),
      preUploadTerminate: durations(({ hookTime }) => hookTime.preUploadTerminate),
      postFinish: durations(({ hookTime }) => hookTime.postFinish),
    },
  };
}

function sumRecords(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [key, value] of records.flatMap((record) => Object.entries(record))) {
    sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}

function sumErrors(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot['errorsTotal'] {
  const errors = new ErrorsTotalMap();
  for (const error of snapshots.flatMap(({ errorsTotal }) => errorsTotal)) errors.add(error, error.count);
  return errors.load();
}

function sumDurations(parts: readonly DurationsSnapshot[]): DurationsSnapshot {
  return {
    counts: DURATION_BOUNDS.map((_, index) =>
      parts.reduce((sum, { counts }) => sum + (counts[index] ?? 0), 0),
    ),
    count: parts.reduce((sum, { count }) => sum + count, 0),
    sum: parts.reduce((sum, part) => sum + part.sum, 0),
  };
}
