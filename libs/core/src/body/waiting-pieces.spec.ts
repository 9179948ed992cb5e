import { WaitingPieces } from './waiting-pieces.js';

function all(waiting: WaitingPieces): Buffer[] {
  const pieces: Buffer[] = [];
  for (let piece = waiting.shift(); piece; piece = waiting.shift()) pieces.push(piece);
  return pieces;
}

describe('WaitingPieces', () => {
  it('gives bytes back in the order in which they came, whatever their pieces are', () => {
    const waiting = new WaitingPieces();
    const sizes = [1, 1, 5_000, 2_047, 2_048, 1, 8_191, 1, 0, 3, 100_000, 7];
    const given = sizes.map((size, index) => Buffer.alloc(size, index + 1));
    for (const piece of given) waiting.append(piece);
    expect(waiting.length).toBe(sizes.reduce((sum, size) => sum + size, 0));
    expect(Buffer.concat(all(waiting)).equals(Buffer.concat(given))).toBe(true);
    expect(waiting.length).toBe(0);
  });

  it('makes few pieces of many small ones', () => {
    const waiting = new WaitingPieces();
    for (let count = 0; count < 100_000; count += 1) waiting.append(Buffer.from('x'));
    expect(all(waiting).length).toBeLessThan(100);
  });

  it('hands a large piece on as it came', () => {
    const waiting = new WaitingPieces();
    const large = Buffer.alloc(64 * 1024);
    waiting.append(Buffer.from('a'));
    waiting.append(large);
    expect(waiting.shift()?.toString()).toBe('a');
    expect(waiting.shift()).toBe(large);
    expect(waiting.shift()).toBeUndefined();
  });

  it('takes what comes after a block was handed on', () => {
    const waiting = new WaitingPieces();
    waiting.append(Buffer.from('a'));
    const first = waiting.shift();
    waiting.append(Buffer.from('b'));
    expect([first?.toString(), waiting.shift()?.toString(), waiting.length]).toEqual(['a', 'b', 0]);
  });
});
