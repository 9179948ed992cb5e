import { randomBytes } from 'node:crypto';
import { ChunkBuffer } from './chunk-buffer.js';

describe('ChunkBuffer', () => {
  it('gives back what was appended, in order, whatever the sizes', () => {
    const buffer = new ChunkBuffer();
    const sizes = [
      1, 100_000, 0, 16_384, 16_383, 5, 70_000, 65_536, 3, 20_000, 40_000, 15_000, 15_000, 15_000, 15_000,
      15_000,
    ];
    const chunks = sizes.map((size) => randomBytes(size));
    const whole = Buffer.concat(chunks);
    const taken: Buffer[] = [];
    for (const [index, chunk] of chunks.entries()) {
      buffer.append(chunk);
      if (index % 3 === 2) taken.push(buffer.take(Math.floor(buffer.length / 2)));
    }
    taken.push(buffer.take(buffer.length));
    expect(Buffer.concat(taken).equals(whole)).toBe(true);
    expect(buffer.length).toBe(0);
  });

  it('does not keep small chunks of others alive', () => {
    const buffer = new ChunkBuffer();
    const small = Buffer.from('abc');
    buffer.append(small);
    small.fill('x');
    expect(buffer.take(3).toString()).toBe('abc');
  });

  it('has no more than it got', () => {
    expect(() => new ChunkBuffer().take(1)).toThrow(RangeError);
  });
});
