import { largestUpload, mayCutShort, nextPartSize, type PartSizing } from './part-size.js';

const MIB = 1024 ** 2;
const TIB = 1024 ** 4;
/** The largest number of a part, as S3 has it. */
const MOST = 10_000;
const sizing: PartSizing = {
  partSize: 8 * MIB,
  minPiece: 5 * MIB,
  maxPiece: 5 * 1024 * MIB,
  maxPieces: MOST,
  equal: false,
};
const start = { stored: 0, length: undefined, nextNumber: 1, fixedSize: undefined };

/** How many parts an upload of `total` bytes becomes, if every part has the size that is said. */
function partsOf(total: number, length: number | undefined, burnt = 0, of = sizing): number {
  let stored = 0;
  let nextNumber = 1 + burnt;
  let fixedSize: number | undefined;
  while (stored < total) {
    const size = nextPartSize(of, { stored, length, nextNumber, fixedSize });
    if (of.equal) fixedSize ??= size;
    stored += size;
    nextNumber += 1;
  }
  return nextNumber - 1;
}

describe('part sizes', () => {
  it('are the usual one while the numbers last', () => {
    expect(nextPartSize(sizing, { ...start, length: 100 * MIB })).toBe(8 * MIB);
    expect(nextPartSize(sizing, { ...start, length: 50_000 * MIB })).toBe(8 * MIB);
    expect(nextPartSize(sizing, start)).toBe(8 * MIB);
  });

  it.each([1 * TIB, 5 * TIB, 20 * TIB])('let %d bytes of known length fit into 10,000 parts', (length) => {
    expect(partsOf(length, length)).toBeLessThanOrEqual(MOST);
    expect(partsOf(length, length, 5_000)).toBeLessThanOrEqual(MOST);
  });

  it('let 5 TiB without a length fit into 10,000 parts', () => {
    expect(partsOf(5 * TIB, undefined)).toBeLessThanOrEqual(MOST);
  });

  it('let the largest upload fit that is taken', () => {
    const largest = largestUpload(sizing);
    expect(largest).toBeGreaterThan(40 * TIB);
    expect(partsOf(largest, largest)).toBeLessThanOrEqual(MOST);
  });

  it('stay equal where they must, with numbers to spare', () => {
    const equal = { ...sizing, equal: true };
    expect(partsOf(5 * TIB, 5 * TIB, 0, equal)).toBeLessThanOrEqual(MOST / 2);
    expect(nextPartSize(equal, { ...start, fixedSize: 9 * MIB, nextNumber: 9_000 })).toBe(9 * MIB);
  });

  it('may be smaller at the end of a request only while numbers are plenty', () => {
    expect(mayCutShort(sizing, { ...start, length: 100 * MIB }, 6 * MIB)).toBe(true);
    expect(mayCutShort(sizing, { ...start, length: 100 * MIB }, 5 * MIB - 1)).toBe(false);
    expect(mayCutShort(sizing, { ...start, length: TIB }, 6 * MIB)).toBe(false);
    expect(mayCutShort(sizing, { ...start, stored: TIB, nextNumber: 5_000 }, 6 * MIB)).toBe(false);
    expect(mayCutShort({ ...sizing, equal: true }, { ...start, length: 100 * MIB }, 6 * MIB)).toBe(false);
  });
});
