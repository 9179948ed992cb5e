import { GIB, KIB, type Measured, MIB } from './s3-requests.js';
import type { S3Call } from './s3-traffic.js';

/** What a request costs at the service. Bytes are those of bodies; headers come on top. */
export interface Cost {
  readonly calls: number;
  /** Of the upload's content. */
  readonly content: Directions;
  /** Of everything else: records, lists, XML. */
  readonly rest: Directions;
  /** Set when the request was refused. */
  readonly refusedBy?: number;
}

export interface Directions {
  /** To the service. */
  readonly up: number;
  readonly down: number;
}

export function costOf({ status, calls }: Measured): Cost {
  const all = total(calls);
  const content = total(calls.filter(carriesContent));
  return {
    calls: calls.length,
    content,
    rest: { up: all.up - content.up, down: all.down - content.down },
    refusedBy: status >= 400 ? status : undefined,
  };
}

/** True for an object, a part or a tail: all stores keep what they know of an upload in `<id>.info`. */
export function carriesContent({ operation, key, status }: S3Call): boolean {
  return CARRIERS.includes(operation) && !key.endsWith('.info') && status >= 200 && status < 300;
}

const CARRIERS = ['PutObject', 'UploadPart', 'GetObject'];

function total(calls: readonly S3Call[]): Directions {
  return calls.reduce((sum, { up, down }) => ({ up: sum.up + up, down: sum.down + down }), {
    up: 0,
    down: 0,
  });
}

/** As the first table of docs/scaling.md has it. */
export function callsCell({ calls, refusedBy }: Cost): string {
  return refusedBy === undefined ? String(calls) : `${calls}, then ${refusedBy}`;
}

/** As the second one has it, e.g. `8 MiB + 1 KiB`: content, and the rest rounded up. */
export function bytesCell({ content, rest }: Cost, direction: keyof Directions): string {
  const parts = [
    content[direction] > 0 ? exact(content[direction]) : '',
    rest[direction] > 0 ? roundedUp(rest[direction]) : '',
  ];
  return parts.filter(Boolean).join(' + ') || '0';
}

/** In the largest unit of which it is a multiple. */
function exact(bytes: number): string {
  const [name, size] = UNITS.find(([, unit]) => bytes % unit === 0) ?? ['B', 1];
  return `${bytes / size} ${name}`;
}

const UNITS = [
  ['GiB', GIB],
  ['MiB', MIB],
  ['KiB', KIB],
] as const;

/** A token may be a digit longer: many calls together are told in tens of KiB. */
function roundedUp(bytes: number): string {
  if (bytes >= MIB) return `${(bytes / MIB).toFixed(1)} MiB`;
  const step = bytes < 100 * KIB ? 1 : 10;
  return `${Math.ceil(bytes / KIB / step) * step} KiB`;
}
