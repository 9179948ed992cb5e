/** Of so many letters one may be wrong. */
const LETTERS_PER_MISTAKE = 4;
/** A shorter name is found in too many others. */
const SHORTEST_PART = 4;

/** The known name that a wrong one was probably meant to be; undefined when none is near. */
export function nearName(wrong: string, known: readonly string[]): string | undefined {
  const stem = stemOf(wrong);
  const byDistance = known
    .map((name) => ({ name, distance: distance(stem, stemOf(name)) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (byDistance && byDistance.distance <= Math.floor(stem.length / LETTERS_PER_MISTAKE))
    return byDistance.name;
  if (stem.length < SHORTEST_PART) return undefined;
  return known.find((name) => stemOf(name).includes(stem) || isPart(stemOf(name), stem));
}

/** `max_size`, `MaxSize` and `max-size` are one name. */
function stemOf(name: string): string {
  return name
    .slice(0, 64)
    .replace(/[-_\s.]/g, '')
    .toLowerCase();
}

function isPart(part: string, whole: string): boolean {
  return part.length >= SHORTEST_PART && whole.includes(part);
}

/** Letters to insert, remove or replace (Levenshtein), where two that have changed places count as one. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= a.length; row++) {
    rows[row] = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const least = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (isSame ? 0 : 1),
        isSwapped ? at(row - 2, column - 2) + 1 : Infinity,
      );
      rows[row]?.push(least);
    }
  }
  return at(a.length, b.length);
}
