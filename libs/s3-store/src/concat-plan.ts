import type { ByteRange } from '@nestjs-tus/core';

/** An object, or a range of it. */
export interface Piece {
  readonly key: string;
  readonly range: ByteRange;
}

/** A part of a joined object: copied by the service, or read and sent again. */
export type PlannedPart =
  | { readonly kind: 'copy'; readonly piece: Piece }
  | { readonly kind: 'read'; readonly pieces: readonly Piece[]; readonly size: number };

export interface ConcatLimits {
  /** Smallest part in bytes, the last one excepted. */
  readonly minPartSize: number;
  /** Largest range in bytes that can be copied. */
  readonly maxCopySize: number;
}

/**
 * How to make one object of several: what is large enough is copied inside the service, in ranges if need be; what is too small for a part is
 * read together with so much of the next object that it is large enough.
 */
export function planConcat(
  sources: readonly { readonly key: string; readonly size: number }[],
  { minPartSize, maxCopySize }: ConcatLimits,
): PlannedPart[] {
  const parts: PlannedPart[] = [];
  let small: Piece[] = [];
  const sendSmall = () => {
    if (small.length > 0) parts.push({ kind: 'read', pieces: small, size: sizeOf(small) });
    small = [];
  };
  for (const [index, { key, size }] of sources.entries()) {
    const isLast = sources.slice(index + 1).every((source) => source.size === 0);
    let start = 0;
    if (small.length > 0) {
      start = Math.min(minPartSize - sizeOf(small), size);
      if (start > 0) small.push({ key, range: { start: 0, end: start - 1 } });
      if (sizeOf(small) >= minPartSize) sendSmall();
    }
    const rest = size - start;
    if (rest === 0) continue;
    if (rest >= minPartSize || (isLast && small.length === 0)) {
      parts.push(...copies(key, start, size, maxCopySize));
    } else {
      small.push({ key, range: { start, end: size - 1 } });
    }
  }
  sendSmall();
  return parts;
}

/** The same, for a service that wants equal parts: everything is read. */
export function planEqualParts(
  sources: readonly { readonly key: string; readonly size: number }[],
  partSize: number,
): PlannedPart[] {
  const parts: PlannedPart[] = [];
  let pieces: Piece[] = [];
  for (const { key, size } of sources) {
    for (let start = 0; start < size;) {
      const end = Math.min(size, start + partSize - sizeOf(pieces)) - 1;
      pieces.push({ key, range: { start, end } });
      start = end + 1;
      if (sizeOf(pieces) < partSize) continue;
      parts.push({ kind: 'read', pieces, size: partSize });
      pieces = [];
    }
  }
  if (pieces.length > 0) parts.push({ kind: 'read', pieces, size: sizeOf(pieces) });
  return parts;
}

/** Ranges of equal length: the last one must not be too small for a part. */
function copies(key: string, start: number, size: number, maxCopySize: number): PlannedPart[] {
  const count = Math.ceil((size - start) / maxCopySize);
  const length = Math.ceil((size - start) / count);
  return Array.from({ length: count }, (_, index) => {
    const from = start + index * length;
    return { kind: 'copy', piece: { key, range: { start: from, end: Math.min(from + length, size) - 1 } } };
  });
}

function sizeOf(pieces: readonly Piece[]): number {
  return pieces.reduce((total, { range }) => total + range.end - range.start + 1, 0);
}
