/** Fields of which a response may have several: a second one is joined to the first. */
const LISTS: ReadonlySet<string> = new Set(['access-control-expose-headers', 'vary']);

/** Fields by their names, as hooks and errors have them. */
export type Fields = Readonly<Record<string, string>>;

/** Both, where names match in any spelling: of one that both have, the second counts, spelling included. */
export function mergeFields(first: Fields = {}, second: Fields = {}): Fields {
  const replaced = namesOf(Object.keys(second));
  const kept = Object.entries(first).filter(([name]) => !replaced.has(name.toLowerCase()));
  return Object.fromEntries([...kept, ...Object.entries(second)]);
}

/** A list of names and values in turn, with `fields` in the place of those that have their names. */
export function replaceFields(list: readonly string[], fields: Fields): string[] {
  const replaced = namesOf(Object.keys(fields));
  const kept = pairsOf(list).filter(([name]) => !replaced.has(name.toLowerCase()));
  return [...kept, ...Object.entries(fields)].flat();
}

/** Two lists of names and values in turn, without a field twice: the first one's counts, lists are joined. */
export function addFields(list: readonly string[], further: readonly string[]): string[] {
  const places = new Map<string, number>();
  for (let index = 0; index < list.length; index += 2) places.set((list[index] ?? '').toLowerCase(), index);
  const joined = [...list];
  for (const [name, value] of pairsOf(further)) {
    const place = places.get(name.toLowerCase());
    if (place === undefined) joined.push(name, value);
    else if (LISTS.has(name.toLowerCase())) joined[place + 1] = `${joined[place + 1] ?? ''}, ${value}`;
  }
  return joined;
}

/** True when a list of names and values in turn has a field of this name in any spelling. */
export function hasField(list: readonly string[], name: string): boolean {
  return pairsOf(list).some(([own]) => own.toLowerCase() === name.toLowerCase());
}

function namesOf(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()));
}

function pairsOf(list: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < list.length; index += 2) {
    pairs.push([list[index] ?? '', list[index + 1] ?? '']);
  }
  return pairs;
}
