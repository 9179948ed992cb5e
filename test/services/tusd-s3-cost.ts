import type { Cost, Directions } from './s3-cost.js';
import { GIB, KIB, MIB, type RequestName } from './s3-requests.js';

/**
 * What tusd 2.10 costs by its sources (`pkg/s3store`): it is not run here.
 *
 * - POST: CreateMultipartUpload, PutObject of `.info`. With content also what PATCH adds, without looking first.
 * - HEAD: GetObject of `.info`, ListParts, HeadObject of `.part`. PATCH and GET begin with the same three.
 * - PATCH: UploadPart for each 50 MiB, and for a rest of 5 MiB or more; a smaller rest is a PutObject of `.part`, which the next PATCH
 *   gets and deletes, to store its bytes again. The last one: CompleteMultipartUpload.
 * - DELETE: AbortMultipartUpload, DeleteObjects.
 */
export function costsOfTusd(): Readonly<Record<RequestName, Cost>> {
  return {
    POST: creates(),
    'POST with all of 100 KiB': sum(creates(), stores(1, 100 * KIB), completes(1)),
    'first PATCH, of 8 MiB': sum(looks(0), stores(1, 8 * MIB)),
    'PATCH of 8 MiB': sum(looks(1), stores(1, 8 * MIB)),
    'PATCH of 8 MiB, on another node': sum(looks(3), stores(1, 8 * MIB)),
    'PATCH of 64 MiB': sum(looks(4), stores(2, 64 * MIB)),
    'PATCH of 1 MiB': sum(looks(6), stores(1, MIB)),
    'PATCH of 7 MiB after it': sum(looks(6), takesUp(MIB), stores(1, 8 * MIB)),
    'last PATCH, of 8 MiB': sum(looks(7), stores(1, 8 * MIB), completes(8)),
    '5 PATCHes of 1 MiB': sum(
      ...[looks(1), stores(1, MIB)],
      ...[looks(1), takesUp(MIB), stores(1, 2 * MIB)],
      ...[looks(1), takesUp(2 * MIB), stores(1, 3 * MIB)],
      ...[looks(1), takesUp(3 * MIB), stores(1, 4 * MIB)],
      ...[looks(1), takesUp(4 * MIB), stores(1, 5 * MIB)],
    ),
    HEAD: looks(2),
    'HEAD, on another node': looks(2),
    'GET of 112 MiB': sum(looksAtFinished(), { ...calls(1), content: { up: 0, down: 112 * MIB } }),
    'DELETE, after 8 MiB': removes(),
    'DELETE of a finished upload': removes(),
    'POST, and 1 GiB in 128 PATCHes': sum(
      creates(),
      ...Array.from({ length: 128 }, (_, parts) => sum(looks(parts), stores(1, 8 * MIB))),
      completes(128),
    ),
  };
}

/** Bytes of `.info` as tusd writes it, with the file name that the measured uploads have. */
const INFO = JSON.stringify({
  ID: `${'0'.repeat(32)}+2~${'0'.repeat(31)}`,
  Size: GIB,
  SizeIsDeferred: false,
  Offset: 0,
  MetaData: { filename: 'video.mp4' },
  IsPartial: false,
  IsFinal: false,
  PartialUploads: null,
  Storage: { Bucket: 'test-000000000000', Key: '0'.repeat(32), Type: 's3store' },
}).length;

/** Bytes of XML that Ceph answers, and that it is sent, as measured when @tus/s3-store makes the same calls. */
const CREATED = 280;
const LIST = 481;
const LISTED_PART = 170;
const NO_SUCH_UPLOAD = 243;
const COMPLETED_PART = 166;
const COMPLETED = 333;
const DELETE_OBJECTS = 300;
const DELETED = 300;

const creates = () => calls(2, { up: INFO, down: CREATED });
const looks = (parts: number) => calls(3, { up: 0, down: INFO + LIST + parts * LISTED_PART });
const looksAtFinished = () => calls(3, { up: 0, down: INFO + NO_SUCH_UPLOAD });
const completes = (parts: number) => calls(1, { up: parts * COMPLETED_PART, down: COMPLETED });
const removes = () => calls(2, { up: DELETE_OBJECTS, down: DELETED });
const stores = (pieces: number, bytes: number): Cost => ({
  ...calls(pieces),
  content: { up: bytes, down: 0 },
});
/** GetObject and DeleteObject of `.part`. */
const takesUp = (bytes: number): Cost => ({ ...calls(2), content: { up: 0, down: bytes } });

function calls(number: number, rest: Directions = { up: 0, down: 0 }): Cost {
  return { calls: number, content: { up: 0, down: 0 }, rest };
}

function sum(...costs: readonly Cost[]): Cost {
  return costs.reduce((total, cost) => ({
    calls: total.calls + cost.calls,
    content: add(total.content, cost.content),
    rest: add(total.rest, cost.rest),
  }));
}

function add(one: Directions, other: Directions): Directions {
  return { up: one.up + other.up, down: one.down + other.down };
}
