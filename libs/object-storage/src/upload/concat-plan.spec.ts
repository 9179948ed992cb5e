import { planConcat, planEqualParts, type PlannedPart } from './concat-plan.js';

const limits = { minPiece: 5, maxCopy: 10 };
const sources = (...sizes: number[]) =>
  sizes.map((size, index) => ({ key: String.fromCharCode(97 + index), size }));

/** e.g. `copy a0-4`, `read b0-1 c0-2`. */
const shown = (parts: readonly PlannedPart[]) =>
  parts.map((part) => {
    const pieces = part.kind === 'copy' ? [part.source] : part.sources;
    return [part.kind, ...pieces.map(({ key, range }) => `${key}${range.start}-${range.end}`)].join(' ');
  });

describe('a plan to join objects', () => {
  it.each<[string, number[], string[]]>([
    ['copies what is large enough', [5, 7], ['copy a0-4', 'copy b0-6']],
    ['copies the last one however small', [5, 1], ['copy a0-4', 'copy b0-0']],
    ['copies one small one', [1], ['copy a0-0']],
    ['skips empty ones', [0, 5, 0, 1, 0], ['copy b0-4', 'copy d0-0']],
    [
      'reads a small one with the beginning of the next',
      [2, 20],
      ['read a0-1 b0-2', 'copy b3-11', 'copy b12-19'],
    ],
    ['reads on while it is too small', [2, 2, 2, 6], ['read a0-1 b0-1 c0-0', 'read c1-1 d0-3', 'copy d4-5']],
    ['copies in ranges of equal length', [25], ['copy a0-8', 'copy a9-17', 'copy a18-24']],
    ['copies one that is as large as a copy may be', [10], ['copy a0-9']],
    ['splits what is just larger into two that are large enough', [11], ['copy a0-5', 'copy a6-10']],
    ['makes nothing of nothing', [0, 0], []],
  ])('%s', (_, sizes, expected) => {
    expect(shown(planConcat(sources(...sizes), limits))).toEqual(expected);
  });

  it('has every byte once, in order, and no part that is too small, whatever the sizes', () => {
    for (let seed = 0; seed < 3_000; seed += 1) {
      const sizes = [seed % 3, seed % 7, (seed * 5) % 23, seed % 11, (seed * 3) % 13];
      const parts = planConcat(sources(...sizes), limits);
      const bytes = parts.flatMap((part) =>
        (part.kind === 'copy' ? [part.source] : part.sources).flatMap(({ key, range }) =>
          Array.from({ length: range.end - range.start + 1 }, (_, index) => `${key}${range.start + index}`),
        ),
      );
      const expected = sources(...sizes).flatMap(({ key, size }) =>
        Array.from({ length: size }, (_, index) => `${key}${index}`),
      );
      expect(bytes).toEqual(expected);
      const lengths = parts.map((part) =>
        part.kind === 'copy' ? part.source.range.end - part.source.range.start + 1 : part.size,
      );
      expect(lengths.slice(0, -1).filter((length) => length < 5 || length > 10)).toEqual([]);
    }
  });

  it('reads everything in equal parts where the service wants that', () => {
    expect(shown(planEqualParts(sources(3, 9, 0, 1), 5))).toEqual([
      'read a0-2 b0-1',
      'read b2-6',
      'read b7-8 d0-0',
    ]);
  });
});
