import type { AssemblyRules, Part } from '../assembly.js';
import { Changed, PiecesRefused, SessionGone } from '../problems.js';
import { randomName, type StoredObjects } from './stored-objects.js';

export interface PieceOptions {
  readonly rules: AssemblyRules;
  readonly names: 'windowed' | 'random';
  /** True for a service that makes an object only of all pieces that were ever stored, as Ceph's gateway. */
  readonly wantsAllPieces: boolean;
}

interface StoredPiece {
  readonly number: number;
  readonly bytes: Buffer;
  readonly piece: string;
}

interface Session {
  readonly key: string;
  readonly attempt: string;
  /** By the name under which one piece replaces another. */
  readonly pieces: Map<string, StoredPiece>;
}

/** The pieces of a MemoryBucket that are no object yet, for all its nodes. */
export class StoredPieces {
  private readonly sessions = new Map<string, Session>();

  constructor(
    private readonly objects: StoredObjects,
    readonly options: PieceOptions,
  ) {}

  get openSessions(): number {
    return this.sessions.size;
  }

  begin(key: string, attempt: string): string {
    const id = randomName();
    this.sessions.set(id, { key, attempt, pieces: new Map() });
    return id;
  }

  /** @throws SessionGone */
  store(id: string, number: number, bytes: Buffer): string {
    const { maxPiece, maxPieces } = this.options.rules;
    const session = this.find(id);
    if (bytes.length > maxPiece || number < 1 || number > maxPieces) {
      throw new RangeError(`the piece ${number} of ${bytes.length} bytes is against the rules`);
    }
    const piece = randomName();
    session.pieces.set(this.options.names === 'random' ? piece : String(number), { number, bytes, piece });
    return piece;
  }

  /** @throws SessionGone */
  list(id: string): Part[] {
    return [...this.find(id).pieces.values()]
      .map(({ number, bytes, piece }) => ({ number, size: bytes.length, piece }))
      .sort((a, b) => a.number - b.number);
  }

  /** @throws SessionGone, Changed, PiecesRefused */
  complete(id: string, parts: readonly Part[], unless: 'exists' | undefined): void {
    const { key, attempt, pieces } = this.find(id);
    if (unless === 'exists' && this.objects.has(key))
      throw new Changed(new Error(`there is an object ${key}`));
    const stored = [...pieces.values()];
    const contents = parts.flatMap(({ number, piece }) =>
      stored.filter((each) => each.number === number && each.piece === piece).map(({ bytes }) => bytes),
    );
    const leavesOut = stored.length > parts.length && this.options.wantsAllPieces;
    const isWhole = contents.length === parts.length && parts.length > 0;
    if (leavesOut || !isWhole || !this.keepsRules(parts, contents)) {
      throw new PiecesRefused(new Error('the service makes no object of these pieces'));
    }
    this.discard(id);
    this.objects.set(key, Buffer.concat(contents), attempt);
  }

  discard(id: string): void {
    this.sessions.delete(id);
  }

  discardAll(): void {
    this.sessions.clear();
  }

  private keepsRules(parts: readonly Part[], contents: readonly Buffer[]): boolean {
    const { minPiece, equal } = this.options.rules;
    const sizes = contents.slice(0, -1).map(({ length }) => length);
    const ascends = parts.every(({ number }, index) => number > (parts[index - 1]?.number ?? 0));
    return ascends && sizes.every((size) => size >= minPiece && (!equal || size === sizes[0]));
  }

  private find(id: string): Session {
    const session = this.sessions.get(id);
    if (!session) throw new SessionGone(new Error('there is no such session'));
    return session;
  }
}
