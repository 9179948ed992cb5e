/** Chunks below this many bytes are copied together: each would hold a pool's block alive, or cost more than its bytes. */
const SMALL = 16 * 1024;
const BLOCK = 64 * 1024;

/** Bytes that wait to be sent, in order. */
export class ChunkBuffer {
  private chunks: Uint8Array[] = [];
  private block = Buffer.alloc(0);
  private total = 0;

  /** Bytes. */
  get length(): number {
    return this.total;
  }

  append(chunk: Uint8Array): void {
    this.total += chunk.length;
    if (chunk.length >= SMALL) {
      this.seal();
      this.chunks.push(chunk);
      return;
    }
    let rest = chunk;
    while (rest.length > 0) {
      if (this.block.length === this.block.buffer.byteLength) this.startBlock();
      const used = this.block.length;
      const taken = rest.subarray(0, this.block.buffer.byteLength - used);
      this.block = Buffer.from(this.block.buffer, 0, used + taken.length);
      this.block.set(taken, used);
      rest = rest.subarray(taken.length);
    }
  }

  /** Takes the first `size` bytes out, as one. */
  take(size: number): Buffer {
    this.seal();
    const taken = Buffer.allocUnsafeSlow(size);
    let filled = 0;
    let used = 0;
    while (filled < size) {
      const chunk = this.chunks[used];
      if (!chunk) throw new RangeError(`there are only ${this.total} bytes, not ${size}`);
      const part = chunk.subarray(0, size - filled);
      taken.set(part, filled);
      filled += part.length;
      if (part.length === chunk.length) used += 1;
      else this.chunks[used] = chunk.subarray(part.length);
    }
    this.chunks.splice(0, used);
    this.total -= size;
    return taken;
  }

  private startBlock(): void {
    this.seal();
    this.block = Buffer.from(new ArrayBuffer(BLOCK), 0, 0);
  }

  private seal(): void {
    if (this.block.length > 0) this.chunks.push(this.block);
    this.block = Buffer.alloc(0);
  }
}
