import type { ByteRange } from '@nestjs-tus/core';
import type { Content, Json, Objects, Owner } from './objects.js';

/** A piece that the service has. `Piece` is what the backend needs to know of it: the record keeps it. */
export interface Part<Piece extends Json = Json> {
  /** From 1; pieces follow each other in the order of their numbers, which may have gaps. */
  readonly number: number;
  /** Bytes. */
  readonly size: number;
  readonly piece: Piece;
}

/** The object that pieces are for, and the session in which they are stored: the record keeps it. */
export interface Target<Session extends Json = Json> {
  readonly key: string;
  readonly session: Session;
}

/** A range of an object, its last byte included. */
export interface ObjectRange {
  readonly key: string;
  readonly range: ByteRange;
}

export interface AssemblyRules {
  /** Bytes of the smallest piece; the last one may be smaller. */
  readonly minPiece: number;
  /** Bytes of the largest piece. */
  readonly maxPiece: number;
  /** The largest number of a piece. */
  readonly maxPieces: number;
  /** Bytes of the largest range that `copy` takes. */
  readonly maxCopy: number;
  /** True when all pieces but the last must have one size. */
  readonly equal: boolean;
}

/**
 * How a large object is made of pieces. Nothing is at the key before `complete`.
 *
 * Every call rejects with one of the problems of problems.ts when it fails for a reason that they name; any other error is taken for a defect.
 */
export interface Assembly<Session extends Json = Json, Piece extends Json = Json> {
  readonly rules: AssemblyRules;
  /**
   * What keeps a holder out that has lost its lock, and wakes up. `windowed`: a piece replaces the one with its number, so that holders use numbers from
   * windows which do not overlap. `random`: each piece has a name that was never used before, and replaces nothing.
   */
  readonly names: 'windowed' | 'random';

  /** Opens a session that no other process knows. */
  begin(key: string, owner: Owner, signal?: AbortSignal): Promise<Session>;
  /**
   * A service may take a piece of a session that has been completed: it counts nowhere.
   * @throws SessionGone when the service says for certain that the session is over
   */
  store(target: Target<Session>, number: number, content: Content, signal?: AbortSignal): Promise<Piece>;
  /**
   * Makes a piece of a range of an object, within the service. Absent: such pieces are read and stored.
   * @throws Missing when there is no such object
   */
  copy?(target: Target<Session>, number: number, source: ObjectRange, signal?: AbortSignal): Promise<Piece>;
  /**
   * Makes the object of these pieces, and ends the session. A repeated call may resolve, too; it changes nothing.
   * @throws SessionGone when the service says for certain that there is no such session any more: it was completed, discarded, or has expired;
   *   PiecesRefused when it does not take these pieces, and nothing has changed; Changed for the condition, if the service knows it here
   */
  complete(
    target: Target<Session>,
    parts: readonly Part<Piece>[],
    options: { readonly unless?: 'exists'; readonly signal?: AbortSignal },
  ): Promise<void>;
  /**
   * Ends a session, and removes its pieces, those that no record names included. Resolves, too, when it is over.
   * @param parts what is known of its pieces
   */
  discard(target: Target<Session>, parts: readonly Part<Piece>[]): Promise<void>;
  /**
   * All pieces of a session, whether they count or not, in the order of their numbers. Only for services that refuse to leave some out: then an object is
   * made of all, and what counts is copied out of it.
   */
  list?(target: Target<Session>): Promise<Part<Piece>[]>;
}

/** What a store stands on. */
export interface Backend {
  readonly objects: Objects;
  readonly assembly: Assembly;
}
