import { Histogram, type MetricObjectWithValues, type MetricValueWithName } from 'prom-client';
import { DURATION_BOUNDS, type DurationsSnapshot } from '@nestjs-tus/core';

/** A histogram that somebody else has counted. */
export interface CountedDurations {
  readonly labels: Readonly<Record<string, string>>;
  readonly durations: DurationsSnapshot;
}

type Values = MetricObjectWithValues<MetricValueWithName<string>>;

/** Shows durations that the engine has counted: prom-client's own histogram counts by itself only. */
export class DurationHistogram extends Histogram {
  constructor(
    private readonly title: string,
    private readonly text: string,
    private readonly read: () => Promise<readonly CountedDurations[]>,
  ) {
    super({ name: title, help: text, buckets: [...DURATION_BOUNDS], registers: [] });
  }

  override async get(): Promise<Values> {
    const values = (await this.read()).flatMap((counted) => this.valuesOf(counted));
    // As prom-client's own histogram: its type says `MetricType`, a number, and means this word.
    return {
      name: this.title,
      help: this.text,
      type: 'histogram' as never,
      aggregator: 'sum',
      collect: () => undefined,
      values,
    };
  }

  /** What a registry asks for its text. */
  getForPromString(): Promise<Values> {
    return this.get();
  }

  private valuesOf({ labels, durations }: CountedDurations): MetricValueWithName<string>[] {
    const { counts, count, sum } = durations;
    const named = (suffix: string, value: number, le?: string | number) => ({
      metricName: `${this.title}_${suffix}`,
      labels: le === undefined ? { ...labels } : { ...labels, le },
      value,
    });
    return [
      ...DURATION_BOUNDS.map((bound, index) => named('bucket', counts[index] ?? 0, bound)),
      named('bucket', count, '+Inf'),
      named('sum', sum),
      named('count', count),
    ];
  }
}
