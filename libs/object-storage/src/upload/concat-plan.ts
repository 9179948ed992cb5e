import type { AssemblyRules, ObjectRange } from '../assembly.js';

/** A part of a joined object: copied by the service, or read and sent again. */
export type PlannedPart =
  | { readonly kind: 'copy'; readonly source: ObjectRange }
  | { readonly kind: 'read'; readonly sources: readonly ObjectRange[]; readonly size: number };

/**
 * How to make one object of several: what is large enough is copied inside the service, in ranges if need be; what is too small for a part is
 * read together with so much of the next object that it is large enough.
 */
export function planConcat(
  sources: readonly { readonly key: string; readonly size: number }[],
  { minPiece, maxCopy }: Pick<AssemblyRules, 'minPiece' | 'maxCopy'>,
): PlannedPart[] {
  const parts: PlannedPart[] = [];
  let small: ObjectRange[] = [];
  const sendSmall = () => {
    if (small.length > 0) parts.push({ kind: 'read', sources: small, size: sizeOf(small) });
    small = [];
  };
  for (const [index, { key, size }] of sources.entries()) {
    const isLast = sources.slice(index + 1).every((source) => source.size === 0);
    let start = 0;
    if (small.length > 0) {
      start = Math.min(minPiece - sizeOf(small), size);
      if (start > 0) small.push({ key, range: { start: 0, end: start - 1 } });
      if (sizeOf(small) >= minPiece) sendSmall();
    }
    const rest = size - start;
    if (rest === 0) continue;
    if (rest >= minPiece || (isLast && small.length === 0)) {
      parts.push(...copies(key, start, size, maxCopy));
    } else {
      small.push({ key, range: { start, end: size - 1 } });
    }
  }
  sendSmall();
  return parts;
}

/** The same, for a service that wants equal parts, or does not copy: everything is read. */
export function planEqualParts(
  sources: readonly { readonly key: string; readonly size: number }[],
  partSize: number,
): PlannedPart[] {
  const parts: PlannedPart[] = [];
  let ranges: ObjectRange[] = [];
  for (const { key, size } of sources) {
    for (let start = 0; start < size;) {
      const end = Math.min(size, start + partSize - sizeOf(ranges)) - 1;
      ranges.push({ key, range: { start, end } });
      start = end + 1;
      if (sizeOf(ranges) < partSize) continue;
      parts.push({ kind: 'read', sources: ranges, size: partSize });
      ranges = [];
    }
  }
  if (ranges.length > 0) parts.push({ kind: 'read', sources: ranges, size: sizeOf(ranges) });
  return parts;
}

/** Ranges of equal length: the last one must not be too small for a part. */
function copies(key: string, start: number, size: number, maxCopy: number): PlannedPart[] {
  const count = Math.ceil((size - start) / maxCopy);
  const length = Math.ceil((size - start) / count);
  return Array.from({ length: count }, (_, index) => {
    const from = start + index * length;
    return { kind: 'copy', source: { key, range: { start: from, end: Math.min(from + length, size) - 1 } } };
  });
}

function sizeOf(ranges: readonly ObjectRange[]): number {
  return ranges.reduce((total, { range }) => total + range.end - range.start + 1, 0);
}
