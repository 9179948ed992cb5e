import type { AssemblyRules } from '../assembly.js';
import { LARGEST_BUFFER } from './limits.js';

/** What the size of the next part depends on. Bytes. */
export interface PartSizing extends Pick<AssemblyRules, 'minPiece' | 'maxPiece' | 'maxPieces' | 'equal'> {
  /** Of a part, while the numbers last. */
  readonly partSize: number;
}

/** Where an upload stands when a part is cut. */
export interface PartPosition {
  /** Bytes that are in parts already. */
  readonly stored: number;
  /** Length of the upload; undefined while it is deferred. */
  readonly length: number | undefined;
  /** The next free part number. */
  readonly nextNumber: number;
  /** The size of the parts before, where all must be equal. */
  readonly fixedSize: number | undefined;
}

/** Part numbers that takeovers between nodes may burn, in tenths of those that are left. */
const SPARE = 1.1;
/** Equal parts cannot grow later: half of the numbers are for takeovers. */
const EQUAL_SPARE = 2;
/**
 * How parts of an upload without a length grow: each is at least this share of what is there, divided by the numbers that are left.
 * From 8 MiB parts it reaches 5 TiB with a third of the 10,000 numbers unused.
 */
const GROWTH = 7;
const MIB = 1024 * 1024;

/** Bytes of the next part: enough that the numbers last, and never more than the service takes. */
export function nextPartSize(sizing: PartSizing, position: PartPosition): number {
  if (position.fixedSize !== undefined) return position.fixedSize;
  const numbersLeft = Math.max(sizing.maxPieces - position.nextNumber + 1, 1);
  const needed = sizing.equal ? equalPart(sizing, position) : growingPart(position, numbersLeft);
  const size = needed > sizing.partSize ? Math.ceil(needed / MIB) * MIB : sizing.partSize;
  return Math.min(size, sizing.maxPiece);
}

/** True when what is left at the end of a request may become a part, smaller than the others, instead of a tail. */
export function mayCutShort(sizing: PartSizing, position: PartPosition, bytes: number): boolean {
  if (sizing.equal || bytes < sizing.minPiece) return false;
  const numbersLeft = Math.max(sizing.maxPieces - position.nextNumber + 1, 1);
  return bytes >= 2 * growingPart(position, numbersLeft);
}

/** How many parts of `size` bytes may be on their way: fewer than `wanted` when they are large, since the memory of one upload is bounded too. */
export function mostAtOnce(size: number, wanted: number): number {
  const fitting = Math.floor((4 * LARGEST_BUFFER) / Math.min(size, LARGEST_BUFFER)) - 1;
  return Math.max(Math.min(wanted, fitting), 1);
}

/** Bytes of the largest upload that these parts can hold. */
export function largestUpload({ maxPiece, maxPieces, equal }: PartSizing): number {
  return (maxPiece * maxPieces) / (equal ? EQUAL_SPARE : SPARE);
}

function growingPart({ stored, length }: PartPosition, numbersLeft: number): number {
  return length === undefined ? (stored * GROWTH) / numbersLeft : ((length - stored) * SPARE) / numbersLeft;
}

function equalPart({ maxPieces, partSize }: PartSizing, { length }: PartPosition): number {
  return length === undefined ? partSize : (length * EQUAL_SPARE) / maxPieces;
}
