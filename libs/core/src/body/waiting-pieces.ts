/** Pieces below this many bytes are copied together: an object for each costs Node about 1 KiB. */
const SMALL_PIECE = 2 * 1024;
const BLOCK = 8 * 1024;

/** True for a piece that costs more memory than it has bytes. */
export function isSmallPiece(piece: Uint8Array): boolean {
  return piece.length < SMALL_PIECE;
}

/**
 * Bytes that wait for their reader, in order. What they cost follows their number, not the number of pieces in which they came: HTTP lets a
 * client send each byte as a chunk of its own.
 */
export class WaitingPieces {
  private pieces: Buffer[] = [];
  private block = Buffer.alloc(0);
  private room = 0;
  private total = 0;

  /** Bytes. */
  get length(): number {
    return this.total;
  }

  append(piece: Buffer): void {
    this.total += piece.length;
    if (!isSmallPiece(piece)) {
      this.seal();
      this.pieces.push(piece);
      return;
    }
    if (piece.length > this.room) {
      this.seal();
      this.block = Buffer.allocUnsafeSlow(BLOCK);
      this.room = BLOCK;
    }
    this.block.set(piece, BLOCK - this.room);
    this.room -= piece.length;
  }

  /** Takes the oldest bytes out: a piece as it came, or a block of small ones. */
  shift(): Buffer | undefined {
    if (this.pieces.length === 0) this.seal();
    const piece = this.pieces.shift();
    this.total -= piece?.length ?? 0;
    return piece;
  }

  private seal(): void {
    const used = this.block.length - this.room;
    if (used > 0) this.pieces.push(this.block.subarray(0, used));
    this.block = Buffer.alloc(0);
    this.room = 0;
  }
}
