/** Smallest and largest block in bytes: a small upload stays small, a large one has few blocks and is never copied. */
const SMALLEST_BLOCK = 4 * 1024;
const LARGEST_BLOCK = 1024 * 1024;

interface Block {
  readonly start: number;
  readonly bytes: Buffer;
}

/** A growing sequence of bytes. Appending copies each byte once, whatever the size of the chunks. */
export class MemoryContent {
  private blocks: Block[] = [];
  private total = 0;

  get length(): number {
    return this.total;
  }

  append(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      const { start, bytes } = this.blockWithRoom();
      const position = this.total - start;
      const taken = Math.min(rest.length, bytes.length - position);
      bytes.set(rest.subarray(0, taken), position);
      this.total += taken;
      rest = rest.subarray(taken);
    }
  }

  /** Forgets every byte from `length` on. */
  truncate(length: number): void {
    this.blocks = this.blocks.filter(({ start }) => start < length);
    this.total = Math.min(this.total, length);
  }

  /** The bytes from `start` up to, not including, `end`, in pieces. */
  *read(start: number, end: number): Generator<Buffer, void, undefined> {
    for (const block of [...this.blocks]) {
      const from = Math.max(start - block.start, 0);
      const to = Math.min(end - block.start, block.bytes.length);
      if (from < to) yield block.bytes.subarray(from, to);
    }
  }

  private blockWithRoom(): Block {
    const last = this.blocks.at(-1);
    if (last !== undefined && this.total < last.start + last.bytes.length) return last;
    const size = Math.min(Math.max(this.total, SMALLEST_BLOCK), LARGEST_BLOCK);
    const block = { start: this.total, bytes: Buffer.allocUnsafeSlow(size) };
    this.blocks.push(block);
    return block;
  }
}
